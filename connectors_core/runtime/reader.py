"""A reader: one generator of a source, from its first read to its end, retries included."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors_core.api.errors import ContractError, OffsetError, Retry
from connectors_core.api.record import Batch, Item, Offset, Partition, Record, Reject
from connectors_core.api.source import Source
from connectors_core.runtime.calls import call, call_now
from connectors_core.runtime.context import as_partition
from connectors_core.runtime.pump import AsyncPump
from connectors_core.runtime.retry import Backoff, describe
from connectors_core.runtime.thread_pump import ThreadPump
from connectors_core.runtime.unit import Progress

if TYPE_CHECKING:
    from connectors_core.runtime.task import Run

log = logging.getLogger(__name__)
MIN_RETRY_SECONDS = 0.1
TELL_SECONDS = 5.0


class Reader:
    """Reads one partition with `read`, or all of a task's with `read_all`."""

    def __init__(self, run: Run, progresses: Sequence[Progress], *, together: bool) -> None:
        self._run = run
        self._progresses = {progress.partition: progress for progress in progresses}
        self._only = None if together else progresses[0]
        self._pump: AsyncPump | ThreadPump | None = None
        self.refused = False
        self.take: Callable[[Item], bool] = self._take
        if self._only is not None:
            self.take = run.short_way(self._only, self._take)
        self._teller = Teller(run.source, progresses)
        self._backoff = Backoff(
            run.options.restart_delay_ms / 1000, run.options.restart_delay_max_ms / 1000
        )

    async def read(self) -> None:
        """Read until the generator returns. Raises what fails the task."""
        while True:
            before = self._run.counters.records
            try:
                await self._read_once()
                await self._run.settle()  # first: a unit may wait for its schema
                self._check_closed()
                await self._teller.finish()
                return
            except Retry as retry:
                wait = await self._after_retry(retry, before)
            except OffsetError as error:
                wait = await self._after_offset_error(error)
            await asyncio.sleep(wait)

    async def close(self, grace: float) -> None:
        """Tell what is committed, then end the generator; for the end of a run."""
        try:
            async with asyncio.timeout(grace):
                await self._teller.finish()
        except Exception as error:
            self._run.log("committed() did not end well", logging.WARNING, error)
        if self._pump is not None and not await self._pump.close(grace):
            self._run.log("source did not close in time; it is left behind", logging.WARNING)

    def heard(self, progress: Progress) -> None:
        """Hear that a partition has a newer committed offset."""
        if progress.partition in self._progresses:
            self._teller.heard(progress)

    # The gate of the pump.

    @property
    def given_up(self) -> bool:
        """Whether nothing of the run is accepted any more."""
        return self._run.revoked

    def _take(self, item: Item) -> bool:
        """Take an item by the long way; True says that the pump must look."""
        run = self._run
        progress = self._progress_of(item)
        if run.stopping or (run.budget.exhausted and not progress.open_rows):
            self.refused = True
            return True
        run.accept(item, progress)
        return run.crowded()

    def crowded(self) -> bool:
        """Say whether the read-ahead is full and a commit will make room."""
        return self._run.crowded()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._run.room()

    def _progress_of(self, item: Item) -> Progress:
        if type(item) not in (Record, Batch, Reject):  # a str has a `partition` too
            raise ContractError(
                f"a source yields Record, Batch or Reject, got {type(item).__name__}.",
                code="source.item",
            )
        partition, only = item.partition, self._only
        if only is not None:
            if partition is not None and partition != only.partition:
                raise ContractError(
                    "an item names a partition, which is for read_all only.", code="source.item"
                )
            return only
        progress = None if partition is None else self._progresses.get(as_partition(partition))
        if progress is None:
            raise ContractError(
                f"read_all gave an item of the partition {partition!r}, which it was not asked"
                " for. Give every item one of the partitions in `positions`.",
                code="source.item",
            )
        return progress

    async def _read_once(self) -> None:
        await self._teller.tell_stored()
        generator = self._generator()
        run = self._run
        if hasattr(generator, "__anext__") and hasattr(generator, "aclose"):
            self._pump = AsyncPump(generator, self)
        elif hasattr(generator, "__next__"):
            self._pump = ThreadPump(generator, self, run.lock, run.thread_rooms)
        else:
            raise ContractError(
                f"read returned {type(generator).__name__}; it must be a generator that yields.",
                code="source.read",
            )
        if run.counters.first_pull is None:
            run.counters.first_pull = time.monotonic()
        pump = asyncio.create_task(self._pump.run(), name=run.task_name)
        teller = asyncio.create_task(self._teller.run(), name=run.task_name)
        try:
            await asyncio.wait([pump, teller], return_when=asyncio.FIRST_COMPLETED)
            if not pump.done():
                await self._pump.close(1.0)
                teller.result()
            await pump
            self._teller.stop()
            await teller  # it may fail, or take its time, when the pump is done
        finally:
            self._teller.stop()
            try:
                await asyncio.wait([teller], timeout=TELL_SECONDS)
            finally:
                teller.cancel()
                await asyncio.gather(teller, return_exceptions=True)

    def _generator(self) -> Any:
        source: Source[Any] = self._run.source
        positions: Mapping[Partition, Offset | None] = {
            partition: read_offset(progress) for partition, progress in self._progresses.items()
        }
        if self._only is not None:
            only = self._only.partition
            return call_now(source.read, only, positions[only])
        return call_now(source.read_all, positions)

    def _check_closed(self) -> None:
        for progress in self._progresses.values():
            if progress.open_rows:
                raise ContractError(
                    f"partition {progress.key}: read returned with {len(progress.open_rows)}"
                    " records that no offset closes. Give the last record an offset.",
                    code="source.open-unit",
                )

    async def _after_retry(self, retry: Retry, before: int) -> float:
        run = self._run
        await run.settle()
        await run.drop(self._progresses.values())
        run.counters.retries += 1
        wait = self._backoff.next(progressed=run.counters.records > before)
        if retry.after is not None:
            wait = max(retry.after, MIN_RETRY_SECONDS)
        run.log("source will be read again", logging.INFO, retry, seconds=round(wait, 3))
        return wait

    async def _after_offset_error(self, error: OffsetError) -> float:
        run = self._run
        await run.settle()
        await run.drop(self._progresses.values())
        known = [each for each in self._progresses.values() if each.committed is not None]
        if run.options.offset_reset != "restart" or not known:
            raise OffsetError(
                f"{describe(error)} Set offset.reset: restart to read from the start, or give it"
                " an offset with `pyconnect offsets set`.",
                code=error.code,
            ) from error
        run.log("offset reset; reading from the start", logging.WARNING, error)
        for progress in known:
            await run.reset(progress)
        return 0.0


def read_offset(progress: Progress) -> Offset | None:
    """Return the stored offset. Raises OffsetError for what others have put there that is none."""
    if progress.committed is None:
        return None
    try:
        offset: Offset | None = json.loads(progress.committed)
    except ValueError:
        offset = None
    if not isinstance(offset, dict):
        raise OffsetError(
            f"partition {progress.key}: the stored offset is no JSON map:"
            f" {progress.committed[:80]!r}.",
            code="offset.unreadable",
        )
    return offset


class Teller:
    """Tells a source what is committed: in order, the newest offset only, one at a time."""

    def __init__(self, source: Source[Any], progresses: Sequence[Progress]) -> None:
        self._source = source
        self._listens = type(source).committed is not Source.committed
        self._progresses = progresses
        self._news: dict[Partition, Progress] = {}
        self._changed = asyncio.Event()
        self._busy = asyncio.Lock()
        self._ended = False

    def heard(self, progress: Progress) -> None:
        """Note a newer committed offset."""
        if self._listens:
            self._news[progress.partition] = progress
            self._changed.set()

    async def tell_stored(self) -> None:
        """Tell the stored offsets, before the first read."""
        for progress in self._progresses:
            if progress.committed is not None:
                self.heard(progress)
        await self.finish()

    async def finish(self) -> None:
        """Tell all that is new."""
        async with self._busy:
            while self._news:
                partition, progress = next(iter(self._news.items()))
                del self._news[partition]
                if (offset := read_offset(progress)) is not None:
                    await call(self._source.committed, partition, offset)

    async def run(self) -> None:
        """Tell what is new as it comes, until `stop`."""
        self._ended = False
        while not self._ended:
            await self._changed.wait()
            self._changed.clear()
            await self.finish()

    def stop(self) -> None:
        """End `run` after what it is telling."""
        self._ended = True
        self._changed.set()
