"""Law of pace: the far side is asked no faster than it was said."""

from __future__ import annotations

from connectors_core.testing.driver.gauge import Gauge
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import Broken, law
from connectors_core.testing.laws.harmed import read_through
from connectors_core.testing.trial import Trial

TRIES = 3
"""Who is too fast three times of three is not so because the machine was slow."""
RETRIES = 3


@law("full", seconds=60, rests_on=("reads_everything",), needs={"paced"})
async def keeps_its_pace(trial: Trial) -> None:
    """No request goes out before its token of `context.pace`, and all together are no more in any
    time than the rate that was named; tries after a Retry among them.

    All connectors of a worker share the budget of a host; who asks beside it gets them all locked
    out.

    Await `context.pace` right before each request, by one name for all that one host answers.
    """
    said = ""
    for _ in range(TRIES):
        said = await _too_fast(trial)
        if not said:
            return
    raise Broken(said)


async def _too_fast(trial: Trial) -> str:
    """Read everything, with some Retries in the middle if the upstream can bring them about."""
    async with trial.upstream() as far:
        partitions, gauge = await trial.partitions(far), Gauge(far)
        life = trial.life(far, Ledger(), clock=gauge.clock)
        gauge.context = life.context
        async with life:
            # The first Retry of each may be a connection that was cut, and its token with it.
            retries = RETRIES * len(partitions)
            await read_through(trial, far, life, partitions, "server-error", retries)
        return gauge.found()


LAWS = (keeps_its_pace,)
