"""Life: one life of a source, driven as the runtime drives it, item by item."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from connectors_core.api.config import Config
from connectors_core.api.errors import ContractError, Retry
from connectors_core.api.record import Batch, Item, Offset, Partition, Record, Reject
from connectors_core.api.source import Source
from connectors_core.runtime.calls import call, call_now
from connectors_core.runtime.retry import describe
from connectors_core.runtime.state import encode_state
from connectors_core.testing.context import MemoryContext
from connectors_core.testing.hands import END, hands
from connectors_core.testing.law import Broken
from connectors_core.testing.ledger import CONNECTOR, Ledger, Unit
from connectors_core.testing.life_context import LifeContext
from connectors_core.testing.steps import Steps

STALL_SECONDS, LOOK_SECONDS = 5.0, 0.1
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 3.0
STOPPED = "source.stopped"
"""The code of a fault that shows when a source is stopped."""


class Life:
    """`async with Life(source, config, ledger) as life:` opens a source, and closes it at the end.

    Every unit is committed to the ledger as soon as it is closed, and told with `committed` unless
    `acknowledges` is False. `waits` is called whenever the source waits. `retries` are the Retry
    errors that were raised and waited for. `pause`, asked after every item, is for how many seconds
    nobody pulls; asked again after that.
    """

    def __init__(
        self,
        source: type[Source[Any]],
        config: Config,
        ledger: Ledger,
        *,
        acknowledges: bool = True,
        waits: Callable[[], None] | None = None,
    ) -> None:
        self.ledger = ledger
        self.context = LifeContext(ledger)
        self.source = call_now(source, config, self.context)
        self.retries: list[Retry] = []
        self.pause: Callable[[], float] = lambda: 0.0
        self._acknowledges = acknowledges
        self._waits = waits
        self._together = source.read_all is not Source.read_all
        self._moved_at = 0.0
        self._ended: asyncio.Future[None]
        self._full = False
        self._closing: set[asyncio.Task[Any] | None] = set()
        self._quiet = 0.0
        self._enough: Callable[[], bool] = lambda: False

    async def __aenter__(self) -> Life:
        try:
            await self._stepped(call(self.source.open))
        except Retry as retry:
            self.retries.append(retry)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await call(self.source.close)

    async def read(
        self,
        partitions: Iterable[Partition],
        enough: Callable[[], bool] = lambda: False,
        *,
        stall: float = STALL_SECONDS,
        quiet: float = 0.0,
    ) -> bool:
        """Read until every generator returns (True), or until `enough` says so (False).

        After enough it goes on for `quiet` seconds, to see what should not come. Raises what the
        source raises, but for Retry; Broken if nothing comes for `stall` seconds.
        """
        places = list(partitions)
        groups = [places] if self._together else [[place] for place in places]
        self._full, self._enough, self._quiet = False, enough, quiet
        if enough() and not quiet:
            return False
        tasks = [asyncio.create_task(self._follow(group)) for group in groups]
        try:
            await self._until_done(tasks, stall)
        finally:
            for task in tasks:
                if task not in self._closing:
                    task.cancel()
            raised = sys.exc_info()[1]
            for error in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(error, Exception) and error is not raised:
                    self._blame(f"stopped, it raised {describe(error)}.", STOPPED)
        return not self._full

    async def _until_done(self, tasks: list[asyncio.Task[None]], stall: float) -> None:
        self._moved_at = time.monotonic()
        self._ended = asyncio.get_running_loop().create_future()
        pending: set[asyncio.Future[Any]] = {self._ended, *tasks}
        while not self._full and any(not task.done() for task in tasks):
            done, pending = await asyncio.wait(
                pending, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for each in done:
                each.result()
            self._look()
            if time.monotonic() - self._moved_at > stall:
                raise Broken(
                    f"nothing came for {stall:.0f} s, after {self.ledger.count} records. Raise"
                    " Retry for what is not there, and return when there is no more."
                )

    async def _follow(self, places: list[Partition]) -> None:
        for place in places:
            if (offset := self.ledger.offset(place)) is not None:
                await self._tell(place, offset)
        while not self._full:
            try:
                await self._read_once(places)
                return
            except Retry as retry:
                self.retries.append(retry)
                wait = RETRY_SECONDS if retry.after is None else retry.after
                self._moved_at = time.monotonic()
                for place in places:
                    self.context.overlay(place).clear()
                self._look()
            await asyncio.sleep(min(wait, LONGEST_RETRY_SECONDS))

    async def _read_once(self, places: list[Partition]) -> None:
        positions = {place: self.ledger.offset(place) for place in places}
        generator: Any
        if self._together:
            generator = call_now(self.source.read_all, positions)
        else:
            generator = call_now(self.source.read, places[0], positions[places[0]])
        pull, close = hands(generator)
        opened: dict[Partition, list[Record | Reject]] = {place: [] for place in places}
        try:
            while not self._full and (item := await self._stepped(pull())) is not END:
                self._require_obedience()
                await self._take(item, places, opened)
                while (seconds := self.pause()) > 0:
                    await asyncio.sleep(seconds)
                    self._moved_at = time.monotonic()
            if not self._full:
                self._require_closed(opened)
        finally:
            await self._closed(close)

    def _require_obedience(self) -> None:
        """Raise Broken if the source has swallowed its cancellation and gives the next item."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise Broken("it went on reading. Raise CancelledError again wherever you catch it")

    async def _closed(self, close: Callable[[], Any]) -> None:
        """Close a generator; a stop that comes meanwhile waits, as the runtime does."""
        task = asyncio.current_task()
        self._closing.add(task)
        try:
            await close()
        finally:
            self._closing.discard(task)

    async def _take(
        self,
        item: Item,
        places: list[Partition],
        opened: dict[Partition, list[Record | Reject]],
    ) -> None:
        if self._full:
            return
        self._moved_at = time.monotonic()
        place = self._place(item, places)
        if place is None:
            return
        state: dict[str, str | None] = {}
        if isinstance(item, Batch):
            opened[place] += item.records
            state = self._encoded(item)
            age = self.context.overlay(place).put(state)
        else:
            opened[place].append(item)
        if item.offset is None and not isinstance(item, Batch):
            return
        offset = None if item.offset is None else dict(item.offset)
        self.ledger.commit(Unit(place, tuple(opened[place]), offset), state)
        opened[place] = []
        if state:
            self.context.overlay(place).forget(age)
        self._look()
        if offset is not None:
            await self._tell(place, offset)

    def _look(self) -> None:
        """Be full, at once or after the quiet, if it is enough."""
        if self._full or not self._enough():
            return
        if not self._quiet:
            self._fill()
            return
        self._enough = lambda: False
        asyncio.get_running_loop().call_later(self._quiet, self._fill)

    def _fill(self) -> None:
        self._full = True
        if not self._ended.done():
            self._ended.set_result(None)

    def _place(self, item: Item, places: list[Partition]) -> Partition | None:
        """Return whose item it is; None with the fault noted if that can't be said."""
        if not isinstance(item, Record | Batch | Reject):
            self._blame(f"a source yields Record, Batch or Reject, got {type(item).__name__}.")
            return None
        if not self._together:
            if item.partition is not None and item.partition != places[0]:
                self._blame("an item names a partition, which is for read_all only.")
            return places[0]
        place = None if item.partition is None else Partition(item.partition)
        if place not in places:
            self._blame(f"read_all gave an item of {item.partition!r}, which it was not asked for.")
            return None
        return place

    def _encoded(self, batch: Batch) -> dict[str, str | None]:
        try:
            return encode_state(batch.state)
        except ContractError as error:
            self.ledger.faults.append(error)
            return {}

    def _require_closed(self, opened: Mapping[Partition, list[Record | Reject]]) -> None:
        for place, items in opened.items():
            if items:
                self._blame(
                    f"partition {place.key}: read returned with {len(items)} records that no offset"
                    " closes. Give the last record an offset.",
                    "source.open-unit",
                )

    def _blame(self, text: str, code: str = "source.item") -> None:
        self.ledger.faults.append(ContractError(text, code=code))

    def _stepped(self, awaitable: Awaitable[Any]) -> Awaitable[Any]:
        return awaitable if self._waits is None else Steps(awaitable, self._waits)

    async def _tell(self, place: Partition, offset: Offset) -> None:
        if self._acknowledges:
            await call(self.source.committed, place, offset)


async def ask_partitions(source: type[Source[Any]], config: Config) -> list[Any]:
    """Return what `partitions()` gives on an object of its own, unchecked."""
    asked = call_now(source, config, MemoryContext(CONNECTOR))
    return list(await call(asked.partitions))
