"""Laws of acknowledgements: nothing is given up upstream before it is durable."""

from __future__ import annotations

from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import law
from connectors_core.testing.trial import Trial


@law(
    "full",
    seconds=30,
    rests_on=("reads_everything", "stops_at_every_await"),
    needs={"prunes_on_ack"},
)
async def acknowledges_only_what_is_committed(trial: Trial) -> None:
    """What was read and not committed is still there for the next start.

    A worker that is killed between the two has lost it for ever (invariant 1).

    Acknowledge in `committed()`, and only there.
    """
    wanted, count = await trial.wanted(), (await trial.whole()).count
    async with trial.upstream() as far:
        lost = Ledger()
        await trial.read(far, lost, lost.has(count), acknowledges=False)
        ledger = Ledger()
        await trial.read(far, ledger)
    cure = "Acknowledge upstream in committed(), never when a record is read or yielded."
    trial.require_whole(wanted, ledger, "read again after a commit that never came", cure)


LAWS = (acknowledges_only_what_is_committed,)
