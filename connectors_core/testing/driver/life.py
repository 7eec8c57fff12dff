"""Life: one life of a source, driven as the runtime drives it, item by item."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from connectors_core.api.config import Config
from connectors_core.api.errors import Retry
from connectors_core.api.record import Offset, Partition
from connectors_core.api.source import Source
from connectors_core.runtime.calls import call, call_now
from connectors_core.runtime.retry import describe
from connectors_core.testing.clock import VirtualClock
from connectors_core.testing.context import MemoryContext
from connectors_core.testing.driver.hands import END, hands
from connectors_core.testing.driver.intake import Intake
from connectors_core.testing.driver.ledger import CONNECTOR, Ledger
from connectors_core.testing.driver.life_context import LifeContext
from connectors_core.testing.law import Broken
from connectors_core.testing.watch.steps import Steps

STALL_SECONDS, LOOK_SECONDS = 5.0, 0.1
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 3.0
LET_GO_SECONDS = 2.0
"""How long who has stalled may take to end: then it is told, whatever is left."""
STOPPED = "source.stopped"
"""The code of a fault that shows when a source is stopped."""


class Life:
    """`async with Life(source, config, ledger) as life:` opens a source, and closes it at the end.

    It is closed too when `open` fails or is stopped. Every unit is committed to the ledger as soon
    as it is closed, and told with `committed` unless `acknowledges` is False. `waits` is called
    whenever the source waits: in `open`, for an item, in `committed` and in `close`. `retries` are
    the Retry errors that were raised and waited for. `pause`, asked after every item, is for how
    many seconds nobody pulls; asked again after that. With a `clock`, tokens and the waits before
    another try are its own.
    """

    def __init__(
        self,
        source: type[Source[Any]],
        config: Config,
        ledger: Ledger,
        *,
        acknowledges: bool = True,
        waits: Callable[[], None] | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        self.ledger = ledger
        self.context = LifeContext(ledger, clock)
        self.source = call_now(source, config, self.context)
        self.retries: list[Retry] = []
        self.pause: Callable[[], float] = lambda: 0.0
        self._acknowledges = acknowledges
        self._waits = waits
        self._together = source.read_all is not Source.read_all
        self._moved_at = 0.0
        self._asked_for = 0.0
        self._ended: asyncio.Future[None]
        self._full = False
        self._closing: set[asyncio.Task[Any] | None] = set()
        self._quiet = 0.0
        self._enough: Callable[[], bool] = lambda: False

    async def __aenter__(self) -> Life:
        try:
            await self._stepped(call(self.source.open))
        except BaseException as error:
            if isinstance(error, Retry):
                self.retries.append(error)
            await self._close_unopened()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stepped(call(self.source.close))

    async def _close_unopened(self) -> None:
        """Close as the runtime does whatever became of `open`, whose error says more."""
        try:
            await call(self.source.close)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises
            self.ledger.blame(f"not opened, close() raised {describe(error)}.", STOPPED)

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
        source raises, but for Retry; Broken if no item comes for `stall` seconds, and as many more
        as a Retry asks to wait, up to 3.
        """
        places = list(partitions)
        groups = [places] if self._together else [[place] for place in places]
        self._full, self._enough, self._quiet = False, enough, quiet
        if enough() and not quiet:
            return False
        tasks = [asyncio.create_task(self._follow(group)) for group in groups]
        try:
            await self._until_done(tasks, stall)
            ended = not self._full
        finally:
            self._full = True  # who is closing is not cancelled, and must not try again
            for task in tasks:
                if task not in self._closing:
                    task.cancel()
            await self._let_go(tasks, sys.exc_info()[1])
        return ended

    async def _let_go(self, tasks: list[asyncio.Task[None]], raised: BaseException | None) -> None:
        """Wait for readings that are stopped, and note what they raise of themselves."""
        seconds = LET_GO_SECONDS if isinstance(raised, Broken) else None
        done, _ = await asyncio.wait(tasks, timeout=seconds)
        for task in done:
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Exception) and error is not raised:
                self.ledger.blame(f"stopped, it raised {describe(error)}.", STOPPED)

    async def _until_done(self, tasks: list[asyncio.Task[None]], stall: float) -> None:
        self._moved()
        self._ended = asyncio.get_running_loop().create_future()
        pending: set[asyncio.Future[Any]] = {self._ended, *tasks}
        while not self._full and any(not task.done() for task in tasks):
            done, pending = await asyncio.wait(
                pending, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for each in done:
                each.result()
            self._look()
            if (still := time.monotonic() - self._moved_at) > stall + self._asked_for:
                raise Broken(self._stalled(still))

    def _stalled(self, seconds: float) -> str:
        said = f"nothing came for {seconds:.0f} s, after {self.ledger.count} records."
        if self.retries:
            last = describe(self.retries[-1])
            return f"{said} It raised Retry {len(self.retries)} times, the last is {last}."
        return f"{said} Raise Retry for what is not there, and return when there is no more."

    def _moved(self) -> None:
        self._moved_at, self._asked_for = time.monotonic(), 0.0

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
                # Bounded, or who asks for a little again and again would never stall.
                asked_for = self._asked_for + (retry.after or 0.0)
                self._asked_for = min(asked_for, LONGEST_RETRY_SECONDS)
                self._look()
            if not self._full:
                await self.context.sleep(min(wait, LONGEST_RETRY_SECONDS))

    async def _read_once(self, places: list[Partition]) -> None:
        positions = {place: self.ledger.offset(place) for place in places}
        generator: Any
        if self._together:
            generator = call_now(self.source.read_all, positions)
        else:
            generator = call_now(self.source.read, places[0], positions[places[0]])
        pull, close = hands(generator)
        intake = Intake(self.ledger, places, self._together)
        try:
            while not self._full and (item := await self._stepped(pull())) is not END:
                self._require_obedience()
                await self._take(item, intake)
                while (seconds := self.pause()) > 0:
                    await asyncio.sleep(seconds)
                    self._moved()
            if not self._full:
                intake.require_closed()
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

    async def _take(self, item: Any, intake: Intake) -> None:
        if self._full:
            return
        self._moved()
        if (closed := intake.take(item)) is None:
            return
        self._look()
        place, offset = closed
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

    def _stepped(self, awaitable: Awaitable[Any]) -> Awaitable[Any]:
        return awaitable if self._waits is None else Steps(awaitable, self._waits)

    async def _tell(self, place: Partition, offset: Offset) -> None:
        if self._acknowledges:
            await self._stepped(call(self.source.committed, place, offset))


async def ask_partitions(source: type[Source[Any]], config: Config) -> Any:
    """Return what `partitions()` gives on an object of its own, unchecked."""
    asked = call_now(source, config, MemoryContext(CONNECTOR))
    return await call(asked.partitions)
