"""A task's life: runs one after another, with its state, its restarts and its last failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from connectors_core.api.record import Partition
from connectors_core.herder.model import MOVES, Failure, State, TaskStatus
from connectors_core.herder.restarts import Restarts, failure_of
from connectors_core.runtime.metrics import Counters
from connectors_core.runtime.plane import mark_owner
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.runtime.task import Run

log = logging.getLogger(__name__)
RunFactory = Callable[[int, Sequence[Partition], Counters], Run]
Lend = Callable[[], Awaitable[RunFactory]]


class Task:
    """Keeps one task as it is wanted: running, paused or stopped. Lives on the data plane's loop;
    `state`, `failure` and `counters` may be read from any thread."""

    def __init__(
        self,
        spec: ConnectorSpec,
        number: int,
        partitions: Sequence[Partition],
        lend: Lend,
        counters: Counters,
    ) -> None:
        self.number = number
        self.partitions = partitions
        self.reading: frozenset[Partition] = frozenset()
        self.state = State.STOPPED
        self.failure: Failure | None = None
        self.counters = counters
        self._spec = spec
        self._lend = lend
        self._restarts = Restarts(spec.options)
        self._wanted = State.RUNNING
        self._changed = asyncio.Event()
        self._run: Run | None = None

    async def live(self) -> None:
        """Live until `stop`."""
        mark_owner()
        while self._wanted is not State.STOPPED:
            if self._wanted is State.PAUSED:
                self._move(State.PAUSED)
                await self._change()
                continue
            before = self.counters.records
            try:
                completed = await self._run_once()
            except Exception as error:
                await self._after_failure(error, progressed=self.counters.records > before)
                continue
            if completed:
                self._move(State.COMPLETED)
                await self._rest()
        if self.state not in (State.FAILED, State.COMPLETED):
            self._move(State.STOPPED)

    def fail(self, failure: Failure) -> None:
        """Begin as FAILED: the loop before this one was blocked by this task."""
        self.failure = failure
        self.counters.errors += 1
        self.state = State.FAILED

    async def stay_failed(self) -> None:
        """Stay FAILED until somebody asks for a restart, then live."""
        await self._change()
        await self.live()

    def stop(self) -> None:
        """End: stop pulling, commit what is whole, close."""
        self._want(State.STOPPED)

    def pause(self) -> None:
        """Close the source and wait; nothing to do for a task that is not running."""
        resuming = self.state is State.PAUSED and self._wanted is State.RUNNING
        if resuming or self.state in (State.STOPPED, State.RUNNING, State.RESTARTING):
            self._want(State.PAUSED)

    def pause_first(self) -> None:
        """Begin paused: the connector is."""
        self._wanted = State.PAUSED

    def resume(self) -> None:
        """Read again after a pause."""
        if self._wanted is State.PAUSED:
            self._want(State.RUNNING)

    def restart(self) -> None:
        """Close the source and read again, whatever the state."""
        self._restarts.forget()
        self._want(State.RUNNING)

    def reassign(self, partitions: Sequence[Partition]) -> None:
        """Read other partitions from now on."""
        if list(partitions) != list(self.partitions):
            self.partitions = partitions
            # A FAILED task only notes them: a change of partitions is no reason to try again.
            if self._wanted is State.RUNNING and self.state is not State.FAILED:
                self._want(State.RUNNING)

    def revoke(self) -> None:
        """Commit nothing more, at once: the loop is given up."""
        if self._run is not None:
            self._run.revoke()

    def status(self) -> TaskStatus:
        """Return what is shown of this task."""
        return TaskStatus(
            id=self.number,
            state=self.state,
            partitions=[partition.key for partition in self.partitions],
            failure=self.failure,
            restarts=self.counters.restarts,
        )

    async def _run_once(self) -> bool:
        self._changed.clear()
        self._move(State.RUNNING)
        make_run = await self._lend()
        if self._wanted is not State.RUNNING:
            return False
        self.reading = frozenset(self.partitions)
        try:
            self._run = make_run(self.number, self.partitions, self.counters)
            return await self._run.go()
        finally:
            self._run = None
            self.reading = frozenset()

    async def _after_failure(self, error: Exception, *, progressed: bool) -> None:
        self.failure = failure_of(error)
        self.counters.errors += 1
        wait = self._restarts.wait_after(error, progressed=progressed)
        facts = {"connector": self._spec.name, "task": self.number, "error": self.failure.text}
        known = self.failure.group != "unknown"
        if wait is None:
            self._move(State.FAILED)
            log.error("task failed", extra=facts, exc_info=None if known else error)
            await self._rest()
            return
        self._move(State.RESTARTING)
        self.counters.restarts += 1
        facts["seconds"] = round(wait, 3)
        log.warning("task will be restarted", extra=facts, exc_info=None if known else error)
        try:
            async with asyncio.timeout(wait):
                await self._change()
        except TimeoutError:
            pass

    def _want(self, state: State) -> None:
        self._wanted = state
        self._changed.set()
        if self._run is not None:
            self._run.stop()

    async def _rest(self) -> None:
        """Wait for a word after an end that is for good; a pause that came amid it is void."""
        if self._wanted is State.PAUSED:
            self._wanted = State.RUNNING
            self._changed.clear()
        await self._change()

    async def _change(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def _move(self, state: State) -> None:
        if state is self.state:
            return
        assert state in MOVES[self.state], f"illegal move {self.state} -> {state}"
        self.state = state
        log.debug(
            "task state", extra={"connector": self._spec.name, "task": self.number, "state": state}
        )
