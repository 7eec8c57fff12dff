"""Laws of a worker in a process of its own: killed at every boundary; the same schemas anywhere."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.testing.ground import Ground
from connectors_core.testing.job import Job
from connectors_core.testing.kills import Kills
from connectors_core.testing.law import Law, law, require
from connectors_core.testing.nursery import Nursery
from connectors_core.testing.trial import Trial

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
            with Ground(trial.source.topics).plot() as plot:
                job = Job("schemas", plot, trial.options(far), await trial.count(far))
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
    return await Kills(trial).all()


def on_kafka(kafka: KafkaPlace) -> Law:
    """Return the law of the kills with workers that write to a cluster."""

    @wraps(survives_a_kill_at_every_point.judge)
    async def judge(trial: Trial) -> str:
        return await Kills(trial, kafka).all()

    return replace(survives_a_kill_at_every_point, judge=judge)


FULL = (schemas_are_stable,)
CRASH = (survives_a_kill_at_every_point,)
