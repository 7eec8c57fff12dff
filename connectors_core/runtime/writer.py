"""The writer of a slot: group commit of all its tasks' whole units, one transaction at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Protocol

from connectors_core.api.errors import (
    DataError,
    FencedError,
    PyconnectError,
    StoreError,
    StoreFull,
)
from connectors_core.api.store import SchemaRow, Slot, Transaction
from connectors_core.runtime.load import Client, Load
from connectors_core.runtime.retry import Backoff
from connectors_core.runtime.slot_thread import SlotThread
from connectors_core.runtime.unit import seal

log = logging.getLogger(__name__)
BUSY_SECONDS = 0.2
SLOW_SECONDS = 5.0
STAGE_SECONDS = 1.0
"""The longest wait before a commit for which rows are staged: readers wait as long for all others."""
WAITING = "the store has not answered a commit for more than 5 s; sources wait"


class SchemaLog(Protocol):
    """Where the embedded registry says what is not durable yet."""

    def pending(self) -> list[SchemaRow]:
        """Return the rows that no commit has stored yet."""
        ...

    def durable(self, rows: list[SchemaRow]) -> None:
        """Hear that these rows are stored."""
        ...


class Writer:
    """Commits for one slot; lives on the data plane's loop, blocks only in its slot's thread.

    A commit starts `linger` seconds after the last one, or at once when a task has
    `commit.max.records` or `commit.max.bytes` waiting. Commits are never cancelled. What waits
    before a commit is due may be staged, that is, handed over ahead of it.
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
        self._task: asyncio.Task[None]

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
        """Drop a run's waiting units. What is taken into a commit already may be stored yet, until
        the offsets are read again, or the slot is given up."""
        self._dirty.pop(client, None)
        self._waiting.discard(client)
        self._idle.set()

    async def offsets(self, connector: str) -> dict[str, str]:
        """Read the committed offsets, after any commit under way, one that waits for room too."""
        self._full.set()
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
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.thread.call(self.slot.release)
        self.thread.stop()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            async with self._committing:
                load = Load()
                await self._linger(load)
                self._take(load)
                if load.shares:
                    await asyncio.shield(self._commit(load))
            self._idle.set()

    async def _linger(self, load: Load) -> None:
        """Wait until the commit is due; a slot that can use the time gets the first rows by then."""
        self._lingering = min((client.linger for client in self._dirty), default=0.0)
        due = self._last + self._lingering
        if self._may_stage(due - time.monotonic()):
            self._take(load)
            if load.shares:
                await self._call(self.slot.stage, load.transaction)
        wait = due - time.monotonic()
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._full.wait()
        self._full.clear()

    def _may_stage(self, wait: float) -> bool:
        return self.slot.stages and not self._full.is_set() and 0 < wait < STAGE_SECONDS

    def _take(self, load: Load) -> None:
        """Add what waits by now to a commit."""
        clients, self._dirty = self._dirty, {}
        self._work.clear()
        for client in clients:
            parcel = client.take()
            if parcel is None:
                self._busy(client)
                continue
            try:
                load.add(client, parcel, seal(parcel))
            except PyconnectError as error:
                if client not in load.shares:
                    client.outbox.settle()
                client.failed(error)

    def _busy(self, client: Client) -> None:
        """Come back to a client that could not hand over; the others' commits go on meanwhile."""
        self._waiting.add(client)

        def again() -> None:
            if client in self._waiting:
                self._waiting.discard(client)
                self.wake(client, False)

        asyncio.get_running_loop().call_later(BUSY_SECONDS, again)

    async def _commit(self, load: Load) -> None:
        load.transaction.schemas = self._schemas.pending()
        try:
            await self._store(load.transaction)
        except DataError as error:
            await self._commit_apart(load, error)
            return
        except Exception as error:
            self._refuse(load, error)
            return
        finally:
            self._last = time.monotonic()
        self._schemas.durable(load.transaction.schemas)
        for client, share in load.shares.items():
            client.outbox.settle()
            try:
                client.committed(share.parcel, share.offsets)
            except Exception as error:  # ours; it must not end the commits of all the others
                log.exception("a task could not hear of its commit")
                client.failed(error)

    async def _commit_apart(self, load: Load, error: DataError) -> None:
        """Find whose record was refused: nobody else is to fail for it."""
        if len(load.shares) == 1:
            self._refuse(load, error)
            return
        for client, share in load.shares.items():
            one = Load()
            one.add(client, *share)
            await self._commit(one)

    async def _store(self, transaction: Transaction) -> None:
        # Invariant 8: while there is no room the units stay here, and nothing more is pulled.
        backoff = Backoff(0.25, 5.0)
        while True:
            try:
                await self._call(self.slot.commit, transaction)
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

    async def _call(self, call: Callable[[Transaction], None], transaction: Transaction) -> None:
        """Call the slot; a store that takes long to answer is told of where the state is shown."""

        def tell() -> None:
            if not self.note:
                log.warning("store does not answer; sources wait", extra={"slot": self.name})
                self.note = WAITING

        telling = asyncio.get_running_loop().call_later(SLOW_SECONDS, tell)
        try:
            await self.thread.call(call, transaction)
        finally:
            telling.cancel()
            if self.note == WAITING:
                self.note = ""

    def _refuse(self, load: Load, error: Exception) -> None:
        if not isinstance(error, FencedError | StoreError):
            log.error("commit failed", exc_info=error, extra={"slot": self.name})
        for client in load.shares:
            client.outbox.settle()
            client.failed(error)
