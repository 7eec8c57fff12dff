"""Laws of the far side: whatever it does ends in Retry or a clear error, never in silence."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from connectors_core.api.errors import PyconnectError, Retry
from connectors_core.api.record import Partition
from connectors_core.runtime.retry import describe
from connectors_core.testing.far_side import FarSide
from connectors_core.testing.faults import FAULTS, RETRY_AFTER_SECONDS
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.ledger import Ledger
from connectors_core.testing.trial import Trial, require_fault

ASKS, WATCH_SECONDS = 3, 1.5
"""So often a partition may ask in so much less than the Retry-After."""

PAUSE_SECONDS, HARM_SECONDS = 0.01, 2.0
PATIENCE_SECONDS = 5.0
"""How long a source may wait in silence for a far side that says nothing."""


@law("full", seconds=120, rests_on=("reads_everything", "stops_at_every_await"))
async def faults_end_in_retry_or_a_clear_error(trial: Trial) -> None:
    """Whatever the far side does, a source raises Retry or an error of the tree that says what to
    do, and when the far side is well again it reads everything.

    A source that ends, or waits for ever, on a broken connection looks healthy and loses data.

    Set timeouts (small ones in the upstream's `config()`), and turn the client's errors into Retry:
    `except httpx.HTTPError as error: raise Retry(str(error)) from error`.
    """
    tried = [kind for kind in FAULTS if await _bears(trial, kind)]
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


@law("full", seconds=30, rests_on=("reads_everything",), needs={"paced"})
async def keeps_its_pace(trial: Trial) -> None:
    """No request goes out without a token of `context.pace`.

    All connectors of a worker share the budget of a host; who asks beside it gets them all locked
    out.

    Await `context.pace` before each request, also before one that is tried again.
    """
    ledger = Ledger()
    async with trial.upstream() as far:
        partitions, count = await trial.partitions(far), (await trial.whole()).count
        before = len(far.requests())
        async with trial.life(far, ledger) as life:
            await life.read(partitions, ledger.has(count))
        asked = len(far.requests()) - before
    taken = len(life.context.paced)
    require(asked, "the upstream notes no `requests`, or none came. It must, for this law.")
    require(asked <= taken, f"it asked {asked} times with {taken} tokens.")


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
    _require_clear(await _under(trial, far, ledger, partitions, kind), kind)
    await far.fault("none")
    await trial.read(far, ledger)


async def _amid_a_reading(trial: Trial, far: FarSide, ledger: Ledger, kind: str) -> None:
    """Do harm when half is read, and heal it at the first Retry: the same source reads on."""
    partitions, half = await trial.partitions(far), (await trial.whole()).count // 2
    count, harmed = await trial.count(far), False
    life = trial.life(far, ledger)
    life.pause = lambda: PAUSE_SECONDS if ledger.count >= half and not harmed else 0.0
    try:
        async with life:
            enough = ledger.has(count) if count is not None else lambda: False
            reading = asyncio.create_task(life.read(partitions, enough, quiet=PAUSE_SECONDS))
            while ledger.count < half and not reading.done():  # noqa: ASYNC110 - a look at both
                await asyncio.sleep(PAUSE_SECONDS)
            await far.fault(kind)
            harmed = True
            deadline = time.monotonic() + HARM_SECONDS
            while not (life.retries or reading.done()) and time.monotonic() < deadline:  # noqa: ASYNC110 - as above
                await asyncio.sleep(PAUSE_SECONDS)
            await far.fault("none")
            await reading
    except Exception as error:  # noqa: BLE001 - judged by what it is
        _require_clear(error, kind)
        await far.fault("none")
        await trial.read(far, ledger)


async def _under(
    trial: Trial, far: FarSide, ledger: Ledger, partitions: list[Partition], kind: str
) -> Exception | None:
    """Read while the fault lasts; return what was raised, None if all was read all the same."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), trial.life(far, ledger) as life:
            ended = await life.read(partitions, lambda: bool(life.retries), stall=60.0)
    except TimeoutError as error:
        raise Broken(
            f"under the fault {kind} it waited {PATIENCE_SECONDS:.0f} s in silence. Set a timeout,"
            " a small one in the upstream's config()."
        ) from error
    except Exception as error:  # noqa: BLE001 - judged by what it is
        return error
    if ended:
        said = trial.differs(await trial.wanted(), ledger)
        require(not said, f"under the fault {kind} the read returned as if all was there: {said}.")
    return None


def _require_clear(error: Exception | None, kind: str) -> None:
    require(
        error is None or isinstance(error, PyconnectError),
        f"under the fault {kind} it raised {describe(error or Retry())}. Raise Retry, or an error of"
        " connectors_core that says what to do.",
    )
    require(
        error is None or len(str(error)) > 3,
        f"under the fault {kind} it raised {type(error).__name__} without a text.",
    )


LAWS = (
    faults_end_in_retry_or_a_clear_error,
    retry_after_is_kept,
    keeps_its_pace,
)
