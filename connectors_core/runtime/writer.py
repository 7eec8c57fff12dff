"""The writer of a slot: group commit of all its tasks' whole units, one transaction at a time."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from connectors_core.api.errors import FencedError, PyconnectError, StoreError, StoreFull
from connectors_core.api.store import SchemaRow, Slot, Transaction
from connectors_core.runtime.retry import Backoff
from connectors_core.runtime.unit import Outbox, Parcel, seal

log = logging.getLogger(__name__)
T = TypeVar("T")
BUSY_SECONDS = 0.2


class SchemaLog(Protocol):
    """Where the embedded registry says what is not durable yet."""

    def pending(self) -> list[SchemaRow]:
        """Return the rows that no commit has stored yet."""
        ...

    def durable(self, rows: list[SchemaRow]) -> None:
        """Hear that these rows are stored."""
        ...


class Client(Protocol):
    """A task run, as the writer knows it."""

    connector: str
    outbox: Outbox
    linger: float
    revoked: bool

    def take(self) -> Parcel | None:
        """Hand over the waiting units; None if that can't be done just now."""
        ...

    def committed(self, parcel: Parcel, offsets: dict[str, str | None]) -> None:
        """Hear that the parcel is durable."""
        ...

    def failed(self, error: Exception) -> None:
        """Hear that nothing of this run can be committed any more."""
        ...


@dataclass(slots=True)
class _Load:
    transaction: Transaction
    parcels: list[tuple[Client, Parcel, dict[str, str | None]]]


class SlotThread:
    """A thread of its own for the blocking calls of a slot. A daemon: a store that hangs must not
    keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"slot-{name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function on the thread. Not undone by cancelling: the call still runs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args)
            except BaseException as error:
                settle(future.set_exception, error)
            else:
                settle(future.set_result, result)

        def settle(method: Callable[[Any], None], outcome: Any) -> None:
            try:
                loop.call_soon_threadsafe(lambda: None if future.done() else method(outcome))
            except RuntimeError:  # the loop was abandoned by the watchdog
                log.warning("a slot's call ended after its loop")

        self._calls.put(work)
        return await future

    def stop(self) -> None:
        """End the thread after the calls that are queued."""
        self._calls.put(None)


class Writer:
    """Commits for one slot; lives on the data plane's loop, blocks only in its slot's thread.

    A commit starts `linger` seconds after the last one, or at once when a task has
    `commit.max.records` or `commit.max.bytes` waiting. Commits are never cancelled.
    """

    def __init__(self, name: str, slot: Slot, thread: SlotThread, schemas: SchemaLog) -> None:
        self.name = name
        self.slot = slot
        self.thread = thread
        self.note = ""
        self._schemas = schemas
        self._dirty: dict[Client, None] = {}
        self._waiting: set[Client] = set()
        self._work = asyncio.Event()
        self._full = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._committing = asyncio.Lock()
        self._last = 0.0
        self._lingering = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to commit; called on the loop."""
        self._task = asyncio.create_task(self._run(), name=f"writer-{self.name}")

    def wake(self, client: Client, full: bool) -> None:
        """Hear that a task has units waiting, or so many that a commit should not wait."""
        if client.revoked:
            return
        self._dirty[client] = None
        self._work.set()
        if full or client.linger < self._lingering:
            self._full.set()

    def forget(self, client: Client) -> None:
        """Drop a run's waiting units: nothing that it yielded will be committed any more."""
        self._dirty.pop(client, None)
        self._waiting.discard(client)
        self._idle.set()

    async def offsets(self, connector: str) -> dict[str, str]:
        """Read the committed offsets, after any commit under way, one that waits for room too."""
        async with self._committing:
            return await self.thread.call(self.slot.offsets, connector)

    async def flush(self, client: Client) -> None:
        """Wait until what a run has closed by now is committed, or the run is revoked."""
        mark = client.outbox.mark
        while client.outbox.settled < mark and not client.revoked:
            self._full.set()
            self._idle.clear()
            await self._idle.wait()

    async def close(self) -> None:
        """Stop committing after the commit under way, and give the slot up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.thread.call(self.slot.release)
        self.thread.stop()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            await self._linger()
            async with self._committing:
                load = self._load()
                if load.parcels:
                    await asyncio.shield(self._commit(load))
            self._idle.set()

    async def _linger(self) -> None:
        self._lingering = min((client.linger for client in self._dirty), default=0.0)
        wait = self._lingering + self._last - time.monotonic()
        if wait > 0 and not self._full.is_set():
            try:
                async with asyncio.timeout(wait):
                    await self._full.wait()
            except TimeoutError:
                pass
        self._full.clear()

    def _load(self) -> _Load:
        load = _Load(Transaction(), [])
        clients, self._dirty = self._dirty, {}
        self._work.clear()
        for client in clients:
            parcel = client.take()
            if parcel is None:
                self._busy(client)
                continue
            try:
                offsets = seal(parcel)
            except PyconnectError as error:
                client.outbox.settle()
                client.failed(error)
                continue
            load.parcels.append((client, parcel, offsets))
            _merge(load.transaction, client.connector, parcel, offsets)
        load.transaction.schemas = self._schemas.pending()
        return load

    def _busy(self, client: Client) -> None:
        """Come back to a client that could not hand over; the others' commits go on meanwhile."""
        self._waiting.add(client)

        def again() -> None:
            if client in self._waiting:
                self._waiting.discard(client)
                self.wake(client, False)

        asyncio.get_running_loop().call_later(BUSY_SECONDS, again)

    async def _commit(self, load: _Load) -> None:
        try:
            await self._store(load.transaction)
        except Exception as error:
            self._refuse(load, error)
            return
        finally:
            self._last = time.monotonic()
        self._schemas.durable(load.transaction.schemas)
        for client, parcel, offsets in load.parcels:
            client.outbox.settle()
            try:
                client.committed(parcel, offsets)
            except Exception as error:  # ours; it must not end the commits of all the others
                log.exception("a task could not hear of its commit")
                client.failed(error)

    async def _store(self, transaction: Transaction) -> None:
        # Invariant 8: while there is no room the units stay here, and nothing more is pulled.
        backoff = Backoff(0.25, 5.0)
        while True:
            try:
                await self.thread.call(self.slot.commit, transaction)
            except StoreFull as error:
                if not self.note:
                    log.warning("store is full; sources wait", extra={"reason": str(error)})
                self.note = str(error)
                await asyncio.sleep(backoff.next(progressed=False))
            else:
                if self.note:
                    log.info("store has room again")
                self.note = ""
                return

    def _refuse(self, load: _Load, error: Exception) -> None:
        if not isinstance(error, FencedError | StoreError):
            log.error("commit failed", exc_info=error, extra={"slot": self.name})
        for client, _, _ in load.parcels:
            client.outbox.settle()
            client.failed(error)


def _merge(
    transaction: Transaction, connector: str, parcel: Parcel, offsets: dict[str, str | None]
) -> None:
    for target, rows in parcel.rows.items():
        present = transaction.rows.get(target)
        if present is None:
            transaction.rows[target] = rows
        else:
            present.extend(rows)
    for key, offset in offsets.items():
        transaction.offsets[connector, key] = offset
    for key, values in parcel.state.items():
        transaction.state[connector, key] = values
