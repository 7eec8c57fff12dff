"""Law of pace: the far side is asked no faster than it was said."""

from __future__ import annotations

import asyncio

from connectors_core.testing.driver.gauge import Gauge
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import Broken, law
from connectors_core.testing.laws.harmed import harm_at, until
from connectors_core.testing.trial import Trial

TRIES = 3
"""Who is too fast three times of three is not so because the machine was slow."""
HARM_SECONDS = 2.0
HARM = "server-error"


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
    """Read everything, with a Retry in the middle if the upstream can bring one about."""
    ledger, half = Ledger(), (await trial.whole()).count // 2
    async with trial.upstream() as far:
        partitions, count = await trial.partitions(far), await trial.count(far)
        enough = ledger.has(count) if count is not None else lambda: False
        gauge = Gauge(far)
        life = trial.life(far, ledger, clock=gauge.clock)
        gauge.context = life.context
        async with life:
            reading = asyncio.create_task(life.read(partitions, enough))
            if await harm_at(half, life, reading, far, HARM):
                await until(lambda: bool(life.retries), reading, HARM_SECONDS)
                await far.fault("none")
            await reading
        return gauge.found()


LAWS = (keeps_its_pace,)
