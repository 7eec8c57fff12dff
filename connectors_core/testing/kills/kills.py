"""Kills: workers of a source, killed at every boundary, and others that go on after them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.runtime.crash import EVERYWHERE
from connectors_core.testing.driver.compare import difference
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.kills.ground import Ground
from connectors_core.testing.kills.job import Job
from connectors_core.testing.kills.nursery import Nursery
from connectors_core.testing.kills.plot import Harvest, Plot
from connectors_core.testing.law import Broken, NotApplicable, require
from connectors_core.testing.trial import Trial

KILLS = 200
LANES = 4
"""A kill is mostly waiting, so some are made at once."""
LATER_MS = 200
"""So much later are half of the kills on a cluster: at once, hardly any record has left the worker."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one kill after the other is made with."""

    nursery: Nursery
    ground: Ground


@dataclass(frozen=True, slots=True)
class Moment:
    """When a worker is killed: `ms` after its n-th `arrival` at a point of the runtime."""

    point: str
    arrival: int
    ms: int = 0

    def __str__(self) -> str:
        return f"{self.point}:{self.arrival}" + (f":{self.ms}" if self.ms else "")

    @property
    def earlier(self) -> Moment | None:
        """One that came before, None after the first."""
        if self.arrival == 1:
            return None
        return replace(self, arrival=-(-self.arrival // 2))


class Kills:
    """The kills of one contract, on the embedded log or on a cluster."""

    def __init__(self, trial: Trial, kafka: KafkaPlace | None = None) -> None:
        self._trial = trial
        self._kafka = kafka
        self._met: Counter[str] = Counter()
        self._wanted: list[str]
        self._rejects: list[tuple[str, bytes]] | None = None

    async def all(self) -> str:
        """Make all kills of the trial's shard; return a note. Raises Broken for what they show."""
        self._wanted = await self._trial.wanted()
        if "bounded" in self._trial.capabilities:
            self._rejects = (await self._trial.whole()).rejects()
        async with self._lane() as lane:
            moments = await self._moments(lane)
            left = iter(moments)
            others = [self._another(left) for _ in range(min(LANES, len(moments)) - 1)]
            await _together(self._work(lane, left), *others)
            made = self._met.total()
            enough = made >= len(moments) * 0.9
            require(enough, f"only {made} of {len(moments)} kills met their boundary.")
            # What was not met this time gives its kill to what always is.
            await self._work(lane, iter(moments[: len(moments) - made]))
        points = [point for point in EVERYWHERE if self._met[point]]
        where = " on Kafka" if self._kafka is not None else ""
        return f"{self._met.total()} kills{where} at {', '.join(points)}"

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[Lane]:
        trial = self._trial
        # The ground outlives the workers, who would make its topics anew.
        async with (
            Ground(trial.source.topics, self._kafka) as ground,
            Nursery(trial.home) as nursery,
        ):
            yield Lane(nursery, ground)

    async def _another(self, left: Iterator[Moment]) -> None:
        with _last_if_it_fails(left):
            async with self._lane() as lane:
                await self._work(lane, left)

    async def _work(self, lane: Lane, left: Iterator[Moment]) -> None:
        with _last_if_it_fails(left):
            for moment in left:
                if await self._killed(lane, moment):
                    self._met[moment.point] += 1

    async def _moments(self, lane: Lane) -> list[Moment]:
        """Return when to kill: at every boundary of a whole run, or an even choice of them."""
        trial = self._trial
        with lane.ground.plot() as plot:
            async with trial.upstream() as far:
                done = await lane.nursery.do(await self._job(far, plot, "count"))
            require(done.code == 0, f"a worker that nobody kills fails: {done.text}")
            found = await lane.ground.harvest(plot)
        self._require(found, "a worker that nobody kills")
        arrivals = {point: done.found[point] for point in EVERYWHERE if done.found[point]}
        each = max(1, -(-KILLS // len(arrivals)))
        every = [
            Moment(point, n) for point, count in arrivals.items() for n in _spread(count, each)
        ]
        part, parts = trial.shard
        if not (mine := every[part - 1 :: parts]):
            raise NotApplicable(f"no kill is in part {part} of {parts}: there are {len(every)}")
        if self._kafka is not None:
            mine[1::2] = [replace(moment, ms=LATER_MS) for moment in mine[1::2]]
        return mine

    async def _killed(self, lane: Lane, moment: Moment | None) -> bool:
        """Kill a worker at a boundary and let another one go on; return whether it was killed.

        How many records a commit takes depends on the machine: what came n times may come less
        often, and then it is killed earlier.
        """
        while moment is not None:
            if await self._killed_once(lane, moment):
                return True
            moment = moment.earlier
        return False

    async def _killed_once(self, lane: Lane, moment: Moment) -> bool:
        with lane.ground.plot() as plot:
            async with self._trial.upstream() as far:
                first = await lane.nursery.do(await self._job(far, plot, f"{moment}"))
                require(first.code in (0, -9), f"before the kill at {moment}: {first.text}")
                second = await lane.nursery.do(await self._job(far, plot, ""))
                when = f"killed at {moment} and started again"
                require(second.code == 0, f"{when}: {second.text}")
            found = await lane.ground.harvest(plot)
        self._require(found, when)
        return first.code == -9

    async def _job(self, far: FarSide, plot: Plot, crash: str) -> Job:
        return Job("run", plot, self._trial.options(far), await self._trial.count(far), crash)

    def _require(self, found: Harvest, when: str) -> None:
        ordered = "ordered" in self._trial.capabilities
        if said := difference(self._wanted, found.records, ordered=ordered):
            raise Broken(f"{when}: {said}. {CURE}")
        if self._rejects is not None and sorted(found.rejects) != self._rejects:
            dead, wanted = len(found.rejects), len(self._rejects)
            raise Broken(f"{when}: {dead} dead letters, not {wanted}, or of other messages. {CURE}")


CURE = "All it knows must come from the offset and keyed state."


def _spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of the numbers from 1 to `count`, evenly; each more than once if too few."""
    if count >= wanted:
        return [1 + round(n * (count - 1) / max(wanted - 1, 1)) for n in range(wanted)]
    # Again at the same arrivals: what a worker has in hand at one is never quite the same twice.
    return [1 + n % count for n in range(wanted)]


@contextmanager
def _last_if_it_fails(left: Iterator[Moment]) -> Iterator[None]:
    """Leave nothing to do after an error: the other lanes end with the kill that they are at.

    Cancelled, they would leave upstreams behind that are just starting.
    """
    try:
        yield
    except BaseException:
        for _ in left:
            pass
        raise


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Do all at once, to their ends; raise the first error that there is."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for error in done:
        if error is not None:
            raise error
