"""Laws of a worker in a process of its own: killed at every boundary; the same schemas anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors_core.app.storage import open_reader
from connectors_core.configs.worker.place import LogPlace
from connectors_core.runtime.crash import POINTS
from connectors_core.testing.compare import difference, record_text
from connectors_core.testing.far_side import FarSide
from connectors_core.testing.job import Job
from connectors_core.testing.law import Broken, law, require
from connectors_core.testing.ledger import CONNECTOR
from connectors_core.testing.nursery import Nursery
from connectors_core.testing.trial import Trial
from connectors_core.testing.witness import HEADER, witnessed

KILLS = 200
ELSEWHERE = {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C"}


@law("full", seconds=30, rests_on=("records_survive_avro",))
async def schemas_are_stable(trial: Trial) -> None:
    """The schemas are the same in another process, with another hash seed, time zone and locale.

    Each new schema is a version in the registry, and every consumer has to bear it.

    Build schemas of lists and dicts in a fixed order, never of sets, times or the environment.
    """
    found = []
    for environment in ({"PYTHONHASHSEED": "1"}, ELSEWHERE):
        async with trial.upstream() as far, Nursery(trial.home, environment) as nursery:
            with TemporaryDirectory(prefix="pyconnect-contract-") as folder:
                job = Job("schemas", f"{folder}/data", trial.options(far), await trial.count(far))
                done = await nursery.do(job)
        require(done.code == 0, f"in a process of its own: {done.text}")
        found.append(done.found)
    one, other = found
    for subject in sorted({*one, *other}):
        require(
            one.get(subject) == other.get(subject),
            f"the schema {subject} is {one.get(subject)} in one process, {other.get(subject)} in"
            " another.",
        )


@law("crash", seconds=300, rests_on=("resumes_from_every_offset",), needs={"replayable"})
async def survives_a_kill_at_every_point(trial: Trial) -> str:
    """Killed with SIGKILL at any boundary of the runtime, and started again, a source has given
    the same as without: nothing lost, nothing doubled, in order.

    Power fails, and the kernel kills what takes too much memory (invariant 7).

    Keep all that you know in the offset and in keyed state, and acknowledge in `committed()`.
    """
    wanted = await trial.wanted()
    async with Nursery(trial.home) as nursery:
        points = await _boundaries(trial, nursery)
        kills = 0
        for point, arrival in points:
            kills += await _killed(trial, nursery, wanted, point, arrival)
    require(kills >= len(points) * 0.9, f"only {kills} of {len(points)} kills met their boundary.")
    return f"{kills} kills at {', '.join(dict(points))}"


async def _boundaries(trial: Trial, nursery: Nursery) -> list[tuple[str, int]]:
    """Return point and arrival for the kills: those of a whole run, or an even choice of them."""
    with TemporaryDirectory(prefix="pyconnect-contract-") as folder:
        async with trial.upstream() as far:
            job = Job("run", f"{folder}/data", trial.options(far), await trial.count(far), "count")
            done = await nursery.do(job)
    require(done.code == 0, f"a worker that nobody kills fails: {done.text}")
    arrivals = {point: done.found[point] for point in POINTS if done.found[point]}
    each = max(1, -(-KILLS // len(arrivals)))
    mine = [(point, n) for point, count in arrivals.items() for n in _spread(count, each)]
    return mine[trial.shard[0] - 1 :: trial.shard[1]]


def _spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of the numbers from 1 to `count`, evenly; each more than once if too few."""
    if count >= wanted:
        return [1 + round(n * (count - 1) / max(wanted - 1, 1)) for n in range(wanted)]
    return [1 + n % count for n in range(wanted)]


async def _killed(
    trial: Trial, nursery: Nursery, wanted: list[str], point: str, arrival: int
) -> int:
    """Kill a worker at a boundary and let another one go on; return 1 if it was killed.

    How many records a commit takes depends on the machine: what came n times may come less often,
    and then it is killed earlier.
    """
    while not await _killed_once(trial, nursery, wanted, f"{point}:{arrival}"):
        if arrival == 1:
            return 0
        arrival = -(-arrival // 2)
    return 1


async def _killed_once(trial: Trial, nursery: Nursery, wanted: list[str], crash: str) -> bool:
    with TemporaryDirectory(prefix="pyconnect-contract-") as folder:
        data = Path(folder, "data")
        async with trial.upstream() as far:
            first = await nursery.do(await _job(trial, far, data, crash))
            require(first.code in (0, -9), f"before the kill at {crash}: {first.text}")
            second = await nursery.do(await _job(trial, far, data, ""))
            require(second.code == 0, f"started again after the kill at {crash}: {second.text}")
        said = difference(wanted, _stored(trial, data), ordered="ordered" in trial.capabilities)
    if said:
        raise Broken(
            f"killed at {crash} and started again: {said}. All it knows must come from the offset"
            " and keyed state."
        )
    return first.code == -9


async def _job(trial: Trial, far: FarSide, data: Path, crash: str) -> Job:
    count = await trial.count(far)
    if count is not None:
        count -= sum(map(len, _stored(trial, data).values()))
    return Job("run", str(data), trial.options(far), count, crash)


def _stored(trial: Trial, data: Path) -> Mapping[tuple[str, str], list[str]]:
    """Return the stored records by source partition and topic, in the order of the log."""
    found: dict[tuple[str, str], list[str]] = {}
    if not Path(data).exists():
        return found
    reader = open_reader(LogPlace(data))
    try:
        there = {info.name for info in reader.topics()}
        names = {CONNECTOR: None, **{f"{CONNECTOR}.{name}": name for name in trial.source.topics}}
        for topic in sorted(there & {*names}):
            _, end = reader.bounds(topic)[0]
            for record in reader.read(topic, 0, 0, end) if end else ():
                place = dict(record.headers)[HEADER].decode()
                text = record_text(names[topic], witnessed(record.key), witnessed(record.value))
                found.setdefault((place, topic), []).append(text)
    finally:
        reader.close()
    return found


FULL = (schemas_are_stable,)
CRASH = (survives_a_kill_at_every_point,)
