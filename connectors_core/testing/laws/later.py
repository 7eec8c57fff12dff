"""Law of what comes later: a source without an end looks again."""

from __future__ import annotations

import asyncio

from connectors_core.testing.driver.compare import difference, text_of, texts_of
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import NotApplicable, law, require
from connectors_core.testing.laws.harmed import until
from connectors_core.testing.trial import Trial

LATER_SECONDS = 5.0


@law("full", seconds=30, rests_on=("reads_everything",))
async def reads_what_comes_later(trial: Trial) -> None:
    """What the upstream gets when all is read is read too, while the source is running.

    A source that looks once, and then waits for ever, looks healthy.

    Look again after a while, or listen. `grow()` of the upstream makes more and returns its values.
    """
    if "bounded" in trial.capabilities:
        raise NotApplicable("it ends instead of waiting")
    ledger = Ledger()
    async with trial.upstream() as far:
        before = await trial.count(far) or 0
        more = await _read_more(trial, far, ledger, before)
    whole = (await trial.whole()).by_partition()
    text = trial.declaration.value_text
    wanted = [each for texts in texts_of(whole, text).values() for each in texts] + more
    said = difference(wanted, texts_of(ledger.by_partition(), text), ordered=False)
    require(
        not said,
        f"{LATER_SECONDS:.0f} s after the upstream got {len(more)} more: {said}. Look again when"
        " there is nothing, or listen.",
    )


async def _read_more(trial: Trial, far: FarSide, ledger: Ledger, before: int) -> list[str]:
    """Read all, let the upstream grow, and read on; return the values that it got, as texts."""
    partitions = await trial.partitions(far)
    async with trial.life(far, ledger) as life:
        reading = asyncio.create_task(life.read(partitions, stall=60.0))
        try:
            await until(ledger.has(before), reading, LATER_SECONDS)
            more = await far.grow()
            if more is None:
                raise NotApplicable("the upstream has no grow()")
            await until(ledger.has(before + len(more)), reading, LATER_SECONDS)
            if reading.done():
                reading.result()  # what it raised, if it did
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    return [text_of(trial.declaration.comparable(each)) for each in more]


LAWS = (reads_what_comes_later,)
