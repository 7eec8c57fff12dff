"""A connector's life: its topics, its partitions, its tasks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from connectors_core.api.errors import FencedError
from connectors_core.api.record import Partition
from connectors_core.api.store import TopicSpec
from connectors_core.herder.ask import ask_partitions
from connectors_core.herder.assign import spread
from connectors_core.herder.loan import Loan
from connectors_core.herder.model import ConnectorStatus, Failure, State, joint_state
from connectors_core.herder.restarts import Restarts, failure_of
from connectors_core.herder.task import RunFactory, Task
from connectors_core.runtime.encode import Room
from connectors_core.runtime.metrics import Counters
from connectors_core.runtime.plane import OWNER, Plane, mark_owner
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.runtime.task import Resources, Run

log = logging.getLogger(__name__)
LET_GO_SECONDS = 0.02
ASKER = -1
"""The number of who asks for partitions, where tasks have theirs."""


class Connector:
    """Asks for partitions, spreads them over tasks, keeps the tasks alive.

    Lives on the data plane's loop; `status` may be called from any thread. `counters` outlive a
    loop that had to be given up, `failed` says which tasks begin as FAILED on the new one.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        plane: Plane,
        counters: dict[int, Counters] | None = None,
        failed: Mapping[int, Failure] | None = None,
    ) -> None:
        self.spec = spec
        self.counters: dict[int, Counters] = {} if counters is None else counters
        self._plane = plane
        self._failed = dict(failed or {})
        self._restarts = Restarts(spec.options)
        self._tasks: dict[int, Task] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self._state: State | None = State.RUNNING
        self._failure: Failure | None = None
        self._ask_errors = 0
        self._retiring: list[Task] = []
        self._groups: list[list[Partition]] = []
        self._assignments = 0
        """Grows by one when an assignment begins and when it ends, so it is odd amid one."""
        self._changed = asyncio.Event()
        self._stopping = False
        self._paused = False
        self._asking: asyncio.Task[Any] | None = None
        self._loan = Loan(self._get_resources, self._give_up)

    async def live(self) -> None:
        """Live until `stop`, or until nothing is left that could change."""
        mark_owner()
        try:
            if await self._begin():
                await self._refresh_until_stopped()
        except asyncio.CancelledError:
            if not self._stopping:  # else it was `stop`, which does not wait for partitions()
                raise
        for task in self._tasks.values():
            task.stop()
        if self._lives:
            await asyncio.wait(self._lives)
        if not self._tasks and self._state is not State.FAILED:
            self._state = State.STOPPED

    def stop(self) -> None:
        """End all tasks: stop pulling, commit what is whole, close."""
        self._stopping = True
        self._changed.set()
        if self._asking is not None:
            self._asking.cancel()
        for task in self._tasks.values():
            task.stop()

    def pause(self) -> None:
        """Close the sources and keep the offsets."""
        self._paused = True
        for task in self._tasks.values():
            task.pause()

    def resume(self) -> None:
        """Read again from the committed offsets."""
        self._paused = False
        for task in self._tasks.values():
            task.resume()

    def restart(self) -> None:
        """Close and read again, failed tasks too; where another owner took over, take it back."""
        if self._fenced_by is not None:
            self._loan.renew()
        self._restarts.forget()
        self._paused = False
        self._changed.set()
        for task in self._tasks.values():
            task.restart()

    def revoke(self) -> None:
        """Commit nothing more, at once: the loop is given up. Called from another thread."""
        for task in list(self._tasks.values()):
            task.revoke()

    def begun(self) -> bool:
        """Say whether a task has begun to run; from any thread."""
        return any(task.state is not State.STOPPED for task in list(self._tasks.values()))

    def ended(self) -> bool:
        """Say whether no task will do anything more by itself; from any thread."""
        before = self._assignments
        ended = {State.FAILED, State.COMPLETED}
        if self._stopping:  # a task that has not begun to live is STOPPED too
            ended.add(State.STOPPED)
        states = [task.state for task in list(self._tasks.values())]
        over = ended.issuperset(states if self._state is None else [self._state])
        # Amid an assignment some tasks are gone, and others not there yet.
        return over and before % 2 == 0 and before == self._assignments

    def stop_soon(self) -> None:
        """Like `stop`; from any thread."""
        self._plane.post(self.stop)

    def successor(self, plane: Plane, failed: Mapping[int, Failure]) -> Connector:
        """Return this connector for another loop: counters, pauses and failures go along."""
        still = {
            number: task.failure
            for number, task in self._tasks.items()
            if task.state is State.FAILED and task.failure is not None
        }
        if not self._tasks and self._state is State.FAILED and self._failure is not None:
            still[ASKER] = self._failure
        still |= failed
        if self._fenced_by is not None:
            still = {ASKER: self._fenced_by}  # it may not acquire anything before somebody says so
        heir = Connector(self.spec, plane, self.counters, still)
        heir._paused = self._paused
        return heir

    def status(self) -> ConnectorStatus:
        """Return what is shown of this connector."""
        tasks = list(self._tasks.values())
        counters = list(self.counters.values())
        commits = [each.last_commit for each in counters if each.last_commit is not None]
        failures = [task.failure for task in tasks if task.failure is not None]
        states = [task.state for task in tasks]
        return ConnectorStatus(
            name=self.spec.name,
            plugin=self.spec.plugin,
            state=self._state or joint_state(states),
            tasks=[task.status() for task in tasks],
            records=sum(each.records for each in counters),
            bytes=sum(each.bytes for each in counters),
            errors=sum(each.errors for each in counters) + self._ask_errors,
            restarts=sum(each.restarts for each in counters),
            rejected=sum(each.rejected for each in counters),
            filtered=sum(each.filtered for each in counters),
            failure=self._failure or (failures[-1] if failures else None),
            note=self._plane.note(self.spec.name),
            idle_seconds=time.monotonic() - max(commits) if commits else None,
            offsets=_joined(counters, "offsets"),
            facts=_joined(counters, "facts"),
        )

    # Partitions.

    async def _begin(self) -> bool:
        """Get the topics and the first partitions; False if it was stopped before."""
        blocked = self._failed.pop(ASKER, None)
        if blocked is not None and not await self._after(blocked, None):
            return False
        while not self._stopping:
            try:
                await self._loan.resources()
                if not self._stopping:
                    await self._assign(await self._ask())
                    return True
            except Exception as error:
                if not await self._after_failure(error):
                    return False
        return False

    async def _refresh_until_stopped(self) -> None:
        pause = self.spec.options.partitions_refresh_ms / 1000
        while not self._stopping:
            self._changed.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                try:
                    await self._assign(await self._ask())
                except Exception as error:
                    self._ask_errors += 1
                    log.warning("partitions() failed; the tasks go on", extra=self._facts(error))

    async def _ask(self) -> list[Partition]:
        self._asking = asyncio.current_task()
        try:
            return await ask_partitions(self.spec, self._plane.shared)
        finally:
            self._asking = None

    async def _assign(self, partitions: Sequence[Partition]) -> None:
        self._assignments += 1
        try:
            await self._spread(partitions)
        finally:
            self._assignments += 1

    async def _spread(self, partitions: Sequence[Partition]) -> None:
        groups = spread(partitions, self.spec.options.tasks_max, self._groups)
        # Invariant 4: a partition that changes its task is let go before it is taken up.
        await self._let_go(groups)
        self._groups = groups
        self._state = None if any(groups) else State.RUNNING
        if not any(groups):
            log.info("source has no partitions yet", extra=self._facts())
        for number, group in enumerate(groups):
            if number in self._tasks:
                self._tasks[number].reassign(group)
            elif group and not self._stopping:
                self._start_task(number, group)
            self._prune(number, group)

    async def _let_go(self, groups: Sequence[Sequence[Partition]]) -> None:
        lost: set[Partition] = set()
        for number, task in list(self._tasks.items()):
            wanted = set(groups[number])
            kept = [each for each in task.partitions if each in wanted]
            lost |= set(task.partitions) - set(kept)
            if kept:
                task.reassign(kept)
            else:
                self._retiring.append(self._tasks.pop(number))
                task.stop()
        while self._reads(lost):  # noqa: ASYNC110 - it ends with runs, of which there may be many
            await asyncio.sleep(LET_GO_SECONDS)
        self._retiring = [task for task in self._retiring if task.reading]

    def _reads(self, partitions: set[Partition]) -> bool:
        return any(
            not task.reading.isdisjoint(partitions)
            for task in (*self._tasks.values(), *self._retiring)
        )

    def _prune(self, number: int, group: Sequence[Partition]) -> None:
        """Forget what was shown of partitions that are gone; there may be a new one every day."""
        counters, keys = self.counters.get(number), {partition.key for partition in group}
        if counters is not None:
            for shown in (counters.offsets, counters.facts):
                for key in [key for key in shown if key not in keys]:
                    del shown[key]

    def _start_task(self, number: int, group: Sequence[Partition]) -> None:
        counters = self.counters.setdefault(number, Counters())
        task = Task(self.spec, number, group, self._lend, counters)
        self._tasks[number] = task
        failure = self._failed.pop(number, None)
        if failure is not None:
            task.fail(failure)
        elif self._paused:
            task.pause_first()
        life = asyncio.create_task(
            task.live() if failure is None else task.stay_failed(),
            name=f"{OWNER}{self.spec.name}:{number}",
        )
        self._lives.add(life)
        life.add_done_callback(self._ended)

    def _ended(self, life: asyncio.Task[None]) -> None:
        self._lives.discard(life)
        if not life.cancelled() and (error := life.exception()) is not None:
            self._failure, self._state = failure_of(error), State.FAILED
            log.error("task supervision failed", exc_info=error, extra=self._facts())

    # What its tasks commit through.

    @property
    def _fenced_by(self) -> Failure | None:
        """The failure that says that another owner took over, if this one stands still for it."""
        asker = [self._failure] if self._state is State.FAILED else []
        tasks = [task.failure for task in self._tasks.values() if task.state is State.FAILED]
        failures = [each for each in (*asker, *tasks) if each and each.group == FencedError.code]
        return failures[0] if failures else None

    async def _lend(self) -> RunFactory:
        """Return what makes runs with what is lent."""
        resources = await self._loan.resources()

        def make_run(number: int, partitions: Sequence[Partition], counters: Counters) -> Run:
            return Run(self.spec, number, partitions, resources, counters)

        return make_run

    async def _give_up(self, lent: Resources) -> None:
        """Close the writer that was fenced, once no run is left that would wait for it."""
        while any(task.reading for task in (*self._tasks.values(), *self._retiring)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(LET_GO_SECONDS)
        await self._plane.give_up(lent.writer)

    async def _get_resources(self) -> Resources:
        plane = self._plane
        writer = await plane.writer(self.spec.name)
        rooms = await writer.thread.call(self._ensure_topics)
        return Resources(writer, plane.shared, plane.budget, plane.store.pace, rooms)

    def _ensure_topics(self) -> dict[str, Room]:
        """Make what topics are missing; return what each has room for. Blocking."""
        store = self._plane.store
        specs: list[TopicSpec] = list(self.spec.topics.values())
        if self.spec.tolerant:
            specs.append(self.spec.dead_letters)
        counts = store.ensure_topics(specs)
        return {name: Room(count, store.limits(name)) for name, count in counts.items()}

    async def _after_failure(self, error: Exception) -> bool:
        """Wait before the next try; False if it was stopped meanwhile."""
        wait = self._restarts.wait_after(error, progressed=False)
        level = logging.ERROR if wait is None else logging.WARNING
        log.log(level, "connector can't start", extra=self._facts(error))
        return await self._after(failure_of(error), wait)

    async def _after(self, failure: Failure, wait: float | None) -> bool:
        self._failure = failure
        self._ask_errors += 1
        self._state = State.FAILED if wait is None else State.RESTARTING
        self._changed.clear()
        try:
            async with asyncio.timeout(wait):
                await self._changed.wait()
        except TimeoutError:
            pass
        if self._stopping:
            return False
        self._state = State.RUNNING
        return True

    def _facts(self, error: BaseException | None = None) -> dict[str, Any]:
        text = {} if error is None else {"error": failure_of(error).text}
        return {"connector": self.spec.name, **text}


def _joined(counters: Sequence[Counters], name: str) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for each in counters:
        joined |= getattr(each, name)
    return joined
