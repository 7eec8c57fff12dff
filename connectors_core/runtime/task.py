"""A run of a task: fence, read the committed offsets, open the source, read, commit, close."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors_core.api.record import Item, Partition
from connectors_core.api.source import Source
from connectors_core.api.store import CommitPace, StateReader, TopicLimits
from connectors_core.runtime import crash
from connectors_core.runtime.budget import Budget
from connectors_core.runtime.calls import call, call_now
from connectors_core.runtime.context import Context, Shared
from connectors_core.runtime.deadletter import DeadLetters
from connectors_core.runtime.encode import Encoder, Room, Route
from connectors_core.runtime.intake import Intake
from connectors_core.runtime.metrics import Counters
from connectors_core.runtime.reader import Reader
from connectors_core.runtime.retry import describe
from connectors_core.runtime.short_way import LongWay, short_way
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.runtime.state import StateView
from connectors_core.runtime.unit import Outbox, Parcel, Progress
from connectors_core.runtime.writer import Writer

log = logging.getLogger(__name__)
SAMPLE_SECONDS = 1.0
GRACE_SECONDS = 1.0
LOCK_SECONDS = 0.01
"""How long the loop waits for a source's thread: more than most items take to be encoded."""
BUSY_SECONDS = 0.2
_RESET_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Resources:
    """What the worker lends a task: where it commits, what it shares, how much it may read."""

    writer: Writer
    shared: Shared
    budget: Budget
    pace: CommitPace
    rooms: dict[str, Room]


class Run:
    """One life of a task, from opening its source to closing it. Never reused.

    Lives on the data plane's loop. The threads of plain generators call `accept` and `crowded`, and
    through them the intake, the outbox and the budget, always under `lock`.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        task: int,
        partitions: Sequence[Partition],
        resources: Resources,
        counters: Counters,
    ) -> None:
        options = spec.options
        self.spec = spec
        self.options = options
        self.connector = spec.name
        self.task_name = f"pyconnect:{spec.name}:{task}"
        self.counters = counters
        self.budget = resources.budget
        self.stopping = False
        self.lock = threading.Lock()
        self.thread_rooms: set[threading.Event] = set()
        linger, pace = options.commit_linger_ms, resources.pace
        self.linger = pace.linger if linger is None else linger / 1000
        self.outbox = Outbox(
            options.commit_max_records or pace.records,
            options.commit_max_bytes or pace.bytes,
            options.read_ahead_bytes,
            self._wake,
        )
        self.source: Source[Any]
        self._task = task
        self._partitions = partitions
        self._resources = resources
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._progresses: dict[str, Progress] = {}
        self._readers: list[Reader] = []
        self._room = asyncio.Event()
        self._stop = asyncio.Event()
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self.revoked = False
        self._counted = 0
        self._opening: asyncio.Task[Any] | None = None
        self._intake = self._make_intake()

    async def go(self) -> bool:
        """Run until every partition is complete (True) or `stop` is called (False).

        Raises what fails the task. In every case whole units are committed first.
        """
        writer = self._resources.writer
        stored = await writer.offsets(self.connector)
        self.counters.offsets.update(
            {each.key: stored[each.key] for each in self._partitions if each.key in stored}
        )
        for partition in self._partitions:
            self._progresses[partition.key] = Progress(partition, stored.get(partition.key))
        context = Context(self.connector, self._resources.shared, self.counters, self._state)
        self.source = call_now(self.spec.source, self.spec.config(), context)
        try:
            return await self._open() and await self._read()
        finally:
            await self._wind_down()

    def stop(self) -> None:
        """Pull no more, commit what is whole, close."""
        self.stopping = self._intake.closed = True
        self._stop.set()
        if self._opening is not None:
            self._opening.cancel()

    def revoke(self) -> None:
        """Accept nothing more and hand over nothing more, at once; for a loop that is given up."""
        self.revoked = self.stopping = self._intake.closed = True
        self._resources.writer.forget(self)

    # What readers ask for.

    def accept(self, item: Item, progress: Progress) -> None:
        """Take one item of a generator."""
        self._intake.accept(item, progress)
        if self.budget.limited:
            self._count()

    def crowded(self) -> bool:
        """Say whether the read-ahead is full and a commit under way or due will make room."""
        return self.outbox.crowded

    async def room(self) -> None:
        """Wait until a commit has made room."""
        while self.crowded():
            self._room.clear()
            await self._room.wait()

    async def settle(self) -> None:
        """Wait until every closed unit is committed."""
        async with self._locked():
            self._intake.release()
        await self._resources.writer.flush(self)
        if self._failure.done():
            await self._failure

    async def drop(self, progresses: Iterable[Progress]) -> None:
        """Throw away open units and state overlays of generators that have ended."""
        async with self._locked():
            for progress in progresses:
                self.outbox.open_bytes -= progress.drop_open()
            self.outbox.reckon()

    async def reset(self, progress: Progress) -> None:
        """Remove a partition's keyed state, then its offset."""
        committed = self._committed_state(progress.key)
        while keys := [key for key, _ in committed.scan("", "", _RESET_KEYS)]:
            self.outbox.parcel.state[progress.key] = dict.fromkeys(keys)
            self.outbox.touched()
            await self.settle()
        self.outbox.parcel.offsets[progress.key] = None
        self.outbox.touched()
        await self.settle()

    def log(
        self, text: str, level: int, error: BaseException | None = None, **facts: object
    ) -> None:
        """Log a change of this task, with its reason."""
        if error is not None:
            facts["error"] = describe(error)
        log.log(level, text, extra={"connector": self.connector, "task": self._task, **facts})

    # What the writer says.

    def take(self) -> Parcel | None:
        """Hand over the waiting units; None while the source's thread is amid an item."""
        if not self.lock.acquire(timeout=LOCK_SECONDS):
            return None
        try:
            return self.outbox.take()
        finally:
            self.lock.release()

    def committed(self, parcel: Parcel, offsets: dict[str, str | None]) -> None:
        """Hear that a parcel is durable."""
        self._add_up(parcel)
        for key, age in parcel.ages.items():
            self._progresses[key].overlay.forget(age)
        for key, offset in offsets.items():
            progress = self._progresses[key]
            progress.committed = offset
            if offset is None:
                self.counters.offsets.pop(key, None)
                continue
            self.counters.offsets[key] = offset
            for reader in self._readers:
                reader.heard(progress)
        self._make_room()
        crash.reach("acked")

    def failed(self, error: Exception) -> None:
        """Hear that nothing of this run can be committed any more."""
        self._break(error)
        # Invariant 2: what was yielded after the lost commit must never be committed over it.
        self.revoke()
        self._make_room()

    # The run itself.

    async def _open(self) -> bool:
        """Open the source; False if `stop` was called meanwhile, whatever the source was at."""
        if self._stop.is_set():
            return False
        task = self._opening = asyncio.current_task()
        try:
            await call(self.source.open)
        except asyncio.CancelledError:
            if task is None or not self._stop.is_set():
                raise
            task.uncancel()
            return False
        finally:
            self._opening = None
        return True

    async def _read(self) -> bool:
        together = type(self.source).read_all is not Source.read_all
        progresses = list(self._progresses.values())
        groups = [progresses] if together else [[each] for each in progresses]
        self._readers = [Reader(self, group, together=together) for group in groups if group]
        reads = [asyncio.create_task(each.read(), name=self.task_name) for each in self._readers]
        stop = asyncio.create_task(self._stop.wait(), name=self.task_name)
        try:
            await self._first_end(reads, stop)
            return not self.stopping and all(read.done() for read in reads)
        finally:
            self.stopping = self._intake.closed = True
            await self._close_readers(reads)
            stop.cancel()

    async def _first_end(self, reads: list[asyncio.Task[None]], stop: asyncio.Task[Any]) -> None:
        pending: set[asyncio.Future[Any]] = {*reads, stop, self._failure}
        while any(not read.done() for read in reads) and not self._stop.is_set():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()

    async def _close_readers(self, reads: list[asyncio.Task[None]]) -> None:
        """Commit what is whole, tell it, end the generators: in this order, in bounded time."""
        if not self._failure.done() and not self.revoked:
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await self.settle()
            except TimeoutError:
                self.log("units are left for the next start", logging.WARNING)
            except Exception as error:
                self.log("last commit failed", logging.WARNING, error)
        await asyncio.gather(*(reader.close(GRACE_SECONDS) for reader in self._readers))
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)

    async def _wind_down(self) -> None:
        self.revoked = True
        self._resources.writer.forget(self)
        with contextlib.suppress(TimeoutError):
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await call(self.source.close)
            except TimeoutError:
                self.log("close() did not end in time", logging.WARNING)
            except Exception as error:
                self.log("close() failed", logging.WARNING, error)

    # Pieces.

    def short_way(self, progress: Progress, long_way: LongWay) -> LongWay:
        """Return what takes the usual record of a partition, by the short way where there is one."""
        route = self._routes[None]
        if self.spec.steps or self.budget.limited or route.limits.keyed:
            return long_way
        return short_way(self._intake, self._encoder, route, self.outbox, progress, long_way)

    def _make_intake(self) -> Intake:
        spec, most = self.spec, self.options.batch_max_bytes
        schemas = spec.source.schemas
        self._routes = {
            name: Route(topic.name, self._room_of(topic.name), schemas.get(name or ""))
            for name, topic in spec.topics.items()
        }
        key, value = spec.converters()
        self._encoder = Encoder(self._routes, key, value)
        dead = self._room_of(spec.dead_letters.name).limits.record_bytes // 2
        return Intake(
            self._encoder,
            spec.steps,
            self.outbox,
            DeadLetters(spec.dead_letters.name, spec.name, self._task, dead),
            tolerant=spec.tolerant,
            max_bytes=most,
            read_ahead=self.options.read_ahead_bytes,
            on_hold=self._on_hold,
        )

    def _room_of(self, topic: str) -> Room:
        most = self.options.batch_max_bytes
        partitions, limits = self._resources.rooms.get(topic, Room(1, TopicLimits(most)))
        return Room(partitions, replace(limits, record_bytes=min(limits.record_bytes, most)))

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        # Never waited for on the loop: a thread may hold it in a transform that does not return.
        while not self.lock.acquire(timeout=LOCK_SECONDS):  # noqa: ASYNC110 - threads set no event
            await asyncio.sleep(BUSY_SECONDS)
        try:
            yield
        finally:
            self.lock.release()

    def _break(self, error: Exception) -> None:
        """End the run with an error; what is whole may still be committed."""
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # it is raised by go(), unless that has ended already
        self.stopping = self._intake.closed = True

    def _make_room(self) -> None:
        self._room.set()
        for room in list(self.thread_rooms):
            room.set()

    def _on_hold(self) -> None:
        self._on_loop(lambda: self._loop.call_later(SAMPLE_SECONDS, self._release))

    def _release(self) -> None:
        """Learn from the samples of the first second; called on the loop."""
        if self.revoked:  # another run reads by now what is held here
            return
        if not self.lock.acquire(timeout=LOCK_SECONDS):
            self._loop.call_later(BUSY_SECONDS, self._release)
            return
        try:
            self._intake.release()
        except Exception as error:
            self._break(error)
        finally:
            self.lock.release()

    def _wake(self, full: bool) -> None:
        if not self.revoked:
            self._on_loop(lambda: self._resources.writer.wake(self, full))

    def _on_loop(self, function: Any) -> None:
        if threading.get_ident() == self._thread:
            function()
        elif not self.revoked:
            self._loop.call_soon_threadsafe(function)

    def _count(self) -> None:
        closed = self.outbox.closed_records + self._intake.held
        self.budget.spend(closed - self._counted)
        self._counted = closed

    def _add_up(self, parcel: Parcel) -> None:
        counters = self.counters
        counters.records += parcel.records
        counters.bytes += parcel.value_bytes
        counters.rejected += parcel.rejected
        counters.filtered += parcel.filtered
        counters.commits += 1
        counters.last_commit = time.monotonic()

    def _state(self, partition: Partition) -> StateView:
        progress = self._progresses[partition.key]
        return StateView(self._committed_state(partition.key), progress.overlay)

    def _committed_state(self, key: str) -> StateReader:
        return self._resources.writer.slot.state(self.connector, key)
