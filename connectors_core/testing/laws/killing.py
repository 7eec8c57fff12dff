"""Laws of a worker in a process of its own: killed at every boundary; the same anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import wraps

from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.kills.ground import Ground
from connectors_core.testing.kills.job import Done, Job
from connectors_core.testing.kills.kills import Kills
from connectors_core.testing.kills.nursery import Nursery
from connectors_core.testing.law import Law, law, require
from connectors_core.testing.trial import Trial

ELSEWHERE = {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C"}


@law("full", seconds=30, rests_on=("partitions_are_stable",))
async def partitions_are_the_same_elsewhere(trial: Trial) -> None:
    """The partitions are the same, in the same order, in another process, with another hash seed,
    time zone and locale.

    Every restart is another process: what has another name there is read from the start, and tasks
    go by the order.

    Sort what comes in no order, as a set; name nothing by `hash()`, an id or the environment.
    """
    found = []
    async with trial.upstream() as far:
        for environment in ({"PYTHONHASHSEED": "1"}, ELSEWHERE):
            done = await _done_in(environment, "partitions", trial, far)
            found.append(done.found["partitions"])
    one, other = found
    gone = sorted({*one} ^ {*other})
    require(not gone, f"two processes differ in the partitions {', '.join(gone)}.")
    require(
        one == other,
        f"partitions() gives {', '.join(one)} in one process, {', '.join(other)} in another. Sort"
        " them.",
    )


@law("full", seconds=30, rests_on=("records_survive_avro",))
async def schemas_are_stable(trial: Trial) -> None:
    """The schemas are the same in another process, with another hash seed, time zone and locale.

    Each new schema is a version in the registry, and every consumer has to bear it.

    Build schemas of lists and dicts in a fixed order, never of sets, times or the environment.
    """
    found = []
    for environment in ({"PYTHONHASHSEED": "1"}, ELSEWHERE):
        async with trial.upstream() as far:
            found.append((await _done_in(environment, "schemas", trial, far)).found)
    one, other = found
    for subject in sorted({*one, *other}):
        require(
            one.get(subject) == other.get(subject),
            f"the schema {subject} is {one.get(subject)} in one process, {other.get(subject)} in"
            " another.",
        )


async def _done_in(environment: Mapping[str, str], what: str, trial: Trial, far: FarSide) -> Done:
    """Do a job in a process of its own. Raises Broken if it fails."""
    async with Nursery(trial.home, environment) as nursery:
        with Ground(trial.source.topics).plot() as plot:
            job = Job(what, plot, trial.options(far), await trial.count(far))
            done = await nursery.do(job)
    require(done.code == 0, f"in a process of its own: {done.text}")
    return done


@law("crash", seconds=300, rests_on=("resumes_from_every_offset",), needs={"replayable"})
async def survives_a_kill_at_every_point(trial: Trial) -> str:
    """Killed with SIGKILL at any boundary of the runtime, and started again, a source has given
    the same as without: nothing lost, nothing doubled, in order.

    Power fails, and the kernel kills what takes too much memory (invariant 7).

    Keep all that you know in the offset and in keyed state, and acknowledge in `committed()`.
    """
    return await Kills(trial).all()


def on_kafka(kafka: KafkaPlace) -> Law:
    """Return the law of the kills with workers that write to a cluster."""

    @wraps(survives_a_kill_at_every_point.judge)
    async def judge(trial: Trial) -> str:
        return await Kills(trial, kafka).all()

    return replace(survives_a_kill_at_every_point, judge=judge)


FULL = (partitions_are_the_same_elsewhere, schemas_are_stable)
CRASH = (survives_a_kill_at_every_point,)
