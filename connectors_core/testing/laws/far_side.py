"""Laws of the far side: whatever it does ends in Retry or a clear error, never in silence."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from connectors_core.api.errors import Retry
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import NotApplicable, law, require
from connectors_core.testing.laws.harmed import read_through, read_under, require_clear
from connectors_core.testing.trial import Trial, require_fault
from connectors_core.testing.upstream.faults import BAD_TLS, FAULTS, RETRY_AFTER_SECONDS

ASKS, WATCH_SECONDS = 3, 1.5
"""So often a partition may ask in so much less than the Retry-After."""


@law("full", seconds=120, rests_on=("reads_everything", "stops_at_every_await"))
async def faults_end_in_retry_or_a_clear_error(trial: Trial) -> None:
    """Whatever the far side does, a source raises Retry or an error of the tree that says what to
    do, and when the far side is well again it reads everything.

    A source that ends, or waits for ever, on a broken connection looks healthy and loses data.

    Set timeouts (small ones in the upstream's `config()`), and turn the client's errors into Retry:
    `except httpx.HTTPError as error: raise Retry(str(error)) from error`.
    """
    tried = [kind for kind in FAULTS if kind != BAD_TLS and await _bears(trial, kind)]
    if not tried:
        raise NotApplicable("the upstream has no fault(kind)")


@law("full", seconds=30, rests_on=("faults_end_in_retry_or_a_clear_error",))
async def retry_after_is_kept(trial: Trial) -> None:
    """Told 429 with Retry-After, a source asks nothing before that time is over.

    Who goes on asking is locked out for longer, with all others behind the same address.

    Raise `Retry(after=seconds)`, or call `context.hold` where you `context.pace`.
    """
    async with trial.upstream() as far:
        partitions = await trial.partitions(far)
        require_fault(await far.fault("rate-limited"), "rate-limited")
        before = len(far.requests())
        life = trial.life(far, Ledger())
        with suppress(Retry):  # of open()
            async with life:
                reading = asyncio.create_task(life.read(partitions, stall=60.0))
                await asyncio.wait({reading}, timeout=WATCH_SECONDS)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        asked = len(far.requests()) - before
    waits = [each.after or 0.0 for each in life.retries]
    waits += [seconds for _, seconds in life.context.held]
    require(
        max(waits, default=0.0) >= RETRY_AFTER_SECONDS,
        f"told Retry-After: {RETRY_AFTER_SECONDS:.0f}, it asked to wait"
        f" {max(waits, default=0.0):.1f} s. Raise Retry(after=…) with what the header says.",
    )
    require(
        asked <= ASKS * len(partitions),
        f"told to come back in {RETRY_AFTER_SECONDS:.0f} s, it asked {asked} times in"
        f" {WATCH_SECONDS} s.",
    )


async def _bears(trial: Trial, kind: str) -> bool:
    """Judge one kind of fault; False if the upstream can't do it."""
    async with trial.upstream() as far:
        if not await far.fault(kind):
            return False
    cure = "What was not read must be read when the far side is well again."
    for when, way in (("from the start", _from_the_start), ("amid a reading", _amid_a_reading)):
        ledger = Ledger()
        async with trial.upstream() as far:
            await way(trial, far, ledger, kind)
        if "live_only" not in trial.capabilities:  # which may tell a gap of what it missed
            when = f"after the fault {kind} {when}"
            trial.require_whole(await trial.wanted(), ledger, when, cure)
    return True


async def _from_the_start(trial: Trial, far: FarSide, ledger: Ledger, kind: str) -> None:
    partitions = await trial.partitions(far)
    await far.fault(kind)
    error = await read_under(trial, far, ledger, partitions, kind)
    require_clear(error, f"under the fault {kind}")
    await far.fault("none")
    await trial.read(far, ledger)


async def _amid_a_reading(trial: Trial, far: FarSide, ledger: Ledger, kind: str) -> None:
    """Do harm when half is read, and heal it at the first Retry: the same source reads on."""
    partitions = await trial.partitions(far)
    try:
        async with trial.life(far, ledger) as life:
            await read_through(trial, far, life, partitions, kind)
    except Exception as error:  # noqa: BLE001 - judged by what it is
        require_clear(error, f"under the fault {kind}")
        await far.fault("none")
        await trial.read(far, ledger)


LAWS = (
    faults_end_in_retry_or_a_clear_error,
    retry_after_is_kept,
)
