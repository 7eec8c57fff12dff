"""Law of trust: nothing is asked of a far side that can't show who it is."""

from __future__ import annotations

from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import law, require
from connectors_core.testing.laws.harmed import read_under, require_clear
from connectors_core.testing.trial import Trial, require_fault
from connectors_core.testing.upstream.faults import BAD_TLS


@law("full", seconds=30, rests_on=("faults_end_in_retry_or_a_clear_error",))
async def untrusted_certificates_are_refused(trial: Trial) -> None:
    """A far side whose certificate is not to be trusted is asked nothing, and nothing of it is
    believed.

    Who does not look gives its keys to whoever stands between, and stores what that one says.

    Leave the client's verification on, and turn its error into Retry. The upstream's `config()` is
    asked again under the fault, and gives the URL as https: `HttpUpstream.url` does.
    """
    ledger, when = Ledger(), f"under the fault {BAD_TLS}"
    async with trial.upstream() as far:
        require_fault(await trial.harm(far, BAD_TLS), BAD_TLS)
        before = len(far.requests())
        error = await _raised(trial, far, ledger)
        # Another server of the same upstream may have no TLS.
        asked = sum(getattr(each, "secure", True) for each in far.requests()[before:])
    require(
        not asked and not ledger.count,
        f"{when} it asked {asked} times, and gave {ledger.count} records. Leave the verification of"
        " certificates on.",
    )
    require_clear(error, when)


async def _raised(trial: Trial, far: FarSide, ledger: Ledger) -> Exception | None:
    """Read for as long as nothing is given; return what was raised, None if it was a Retry."""
    try:
        partitions = await trial.partitions(far)
    except Exception as error:  # noqa: BLE001 - judged by what it is
        return error
    return await read_under(trial, far, ledger, partitions, BAD_TLS, ledger.has(1))


LAWS = (untrusted_certificates_are_refused,)
