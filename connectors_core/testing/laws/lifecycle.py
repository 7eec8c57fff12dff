"""Laws of a life: it stops at once, waits without work, leaves nothing, keeps the loop free."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors_core.runtime.retry import describe
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import STOPPED
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.trial import Trial
from connectors_core.testing.watch.leftovers import Climb, Leftovers
from connectors_core.testing.watch.pulse import Pulse
from connectors_core.testing.watch.steps import Stop

STOP_SECONDS = 1.0
STOPS, LEAST_STOPS = 30, 2
"""How many of the waits of one life are tried."""
STARTS, LEAST_STARTS = 20, 8
"""Fewer than eight don't tell memory that climbs from memory that is filled once."""
TRIED_SECONDS = 25.0
"""How long all stops, or all starts, may take of the time of their law."""
MOST_READING_SECONDS = 3.0
TRIES = 3
IDLE_SECONDS = 1.0
IDLE_CPU = 0.25
IDLE_RETRIES = 1
"""A connection may break at any time; twice in a second is a way to wait."""
STORE_SECONDS, BESIDE_SECONDS = 1.0, 0.01


@law("full", seconds=60, rests_on=("reads_everything",))
async def a_reading_is_short(trial: Trial) -> None:
    """A complete reading of the upstream takes at most 3 s.

    The laws read it some hundred times, each in its own time; what is longer breaks laws that the
    source keeps.

    Give the upstream less to read, and the source smaller waits in `config()`.
    """
    await trial.whole()
    took = trial.seconds
    for _ in range(TRIES - 1):
        if took <= MOST_READING_SECONDS:
            return
        began = time.monotonic()  # perhaps the machine had much to do
        async with trial.upstream() as far:
            await trial.read(far, Ledger())
        took = min(took, time.monotonic() - began)
    require(
        took <= MOST_READING_SECONDS,
        f"a complete reading takes {took:.1f} s; give the upstream less, or smaller waits in its"
        " config().",
    )


def fitting(most: int, least: int, seconds: float) -> int:
    """Return how many readings of so many seconds fit into the time of a law."""
    return min(most, max(least, int(TRIED_SECONDS / max(seconds, 0.001))))


@law("full", seconds=60, rests_on=("a_reading_is_short",))
async def keeps_the_loop_free(trial: Trial) -> None:
    """A source never keeps the event loop for more than 100 ms.

    The loop is shared: all other connectors stand still meanwhile, heartbeats too.

    Await what waits; use `asyncio.to_thread` for what computes, or a plain generator, which has a
    thread of its own.
    """
    for _ in range(3):
        async with trial.upstream() as far, Pulse() as pulse:
            await trial.read(far, Ledger())
        if not pulse.blocked:
            return
    raise Broken(f"the loop stood still for {pulse.blocked:.2f} s. It was at:\n{pulse.place}")


@law("full", seconds=60, rests_on=("reads_everything", "keeps_the_loop_free"))
async def stops_at_every_await(trial: Trial) -> str:
    """Stopped wherever it waits, a source lets go within a second.

    The worker leaves behind what does not; a rebalance or a deployment waits for it.

    Never catch CancelledError without raising it again; end what you started in `finally`.
    """
    counting = Stop()
    async with trial.upstream() as far:
        await counting.run(trial.read(far, Ledger(), waits=counting), STOP_SECONDS)
    waits, fired = counting.waits, 0
    if not waits:
        raise NotApplicable("it never waits")
    stops = fitting(STOPS, LEAST_STOPS, trial.seconds)
    for wait in sorted({1 + round(n * (waits - 1) / (stops - 1)) for n in range(stops)}):
        fired += await _stopped(trial, wait, waits)
    require(fired, f"none of {waits} waits of a first reading came again in {stops} others.")
    return f"{fired} stops"


async def _stopped(trial: Trial, wait: int, waits: int) -> bool:
    """Stop a reading where it waits for the `wait`-th time; False if it did not come so far.

    Who is late three times of three is not late because the machine was.
    """
    when = f"stopped at wait {wait} of {waits}"
    for _ in range(3):
        stop, ledger = Stop(wait), Ledger()
        async with trial.upstream() as far:
            in_time = await stop.run(trial.read(far, ledger, waits=stop), STOP_SECONDS)
        faults = [each.message for each in ledger.faults if each.code == STOPPED]
        require(not stop.fired or not faults, f"{when}: {'; '.join(faults[:3])}")
        if in_time:
            return stop.fired
    raise Broken(
        f"{when}, it was still there a second later. Don't catch CancelledError, and close in"
        " `finally` without waiting long."
    )


@law("full", seconds=30, rests_on=("reads_everything",))
async def waits_without_work(trial: Trial) -> None:
    """With nothing to read, a source takes next to no CPU and raises nothing, no Retry either.

    A busy loop of one connector takes the core that the others share, and a Retry opens and closes
    all that a read needs: it is told as a failure, and waited for longer each time.

    Wait on a socket or an event; `await asyncio.sleep` between two looks.
    """
    if "bounded" in trial.capabilities:
        raise NotApplicable("it ends instead of waiting")
    async with trial.upstream() as far:
        ledger = Ledger()
        partitions = await trial.partitions(far)
        count = await trial.count(far) or 0
        async with trial.life(far, ledger) as life:
            reading = asyncio.create_task(life.read(partitions, stall=60.0))
            while ledger.count < count and not reading.done():  # noqa: ASYNC110 - a look at both
                await asyncio.sleep(0.01)
            before = len(life.retries)
            used = await _cpu_used(far)
            retries = len(life.retries) - before
            _require_waiting(reading)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    require(
        used < IDLE_CPU,
        f"it took {used:.0%} of a CPU for {IDLE_SECONDS:.0f} s without anything to read.",
    )
    require(
        retries <= IDLE_RETRIES,
        f"it raised Retry {retries} times in {IDLE_SECONDS:.0f} s without anything to read. That"
        " nothing is new is no error: wait, and look again.",
    )


def _require_waiting(reading: asyncio.Task[bool]) -> None:
    if not reading.done():
        return
    if error := reading.exception():
        raise Broken(f"it failed while it waited: {describe(error)}") from error
    raise Broken("it returned. Declare `bounded`, or go on looking for more.")


async def _cpu_used(far: FarSide) -> float:
    """Return the share of the CPU that everything but the upstream takes without work.

    It is a share of what there was: on a machine with much to do, who spins gets little too.
    """
    before, queued, began = time.process_time() - await far.cpu(), _queued(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    used = time.process_time() - await far.cpu() - before
    there_was = time.monotonic() - began - (_queued() - queued)
    return used / max(there_was, IDLE_SECONDS / 10)


def _queued() -> float:
    """Return for how many seconds this thread has waited for a CPU, 0 where no system tells."""
    try:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        return int(path.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


@law("full", seconds=60, rests_on=("reads_everything", "stops_at_every_await"))
async def leaves_nothing_behind(trial: Trial) -> None:
    """After 20 starts and stops, 8 of a slow source, no task, thread, socket, file, child process
    or temporary file is left, and memory does not climb.

    A worker runs for months, and every pause, retry and restart is a start.

    Close in `close()` and `finally` what you opened; keep nothing in globals or class attributes.
    """
    enough = max(1, (await trial.whole()).count // 2)
    starts = fitting(STARTS, LEAST_STARTS, trial.seconds)
    with Leftovers() as left, Climb() as climb, _unlogged():
        for start in range(starts):
            ledger = Ledger()
            async with trial.upstream() as far:
                await trial.read(far, ledger, ledger.has(enough))
            climb.look(start, starts)
        said = "; ".join(each for each in (await left.found(), climb.found()) if each)
    require(not said, f"after {starts} starts and stops there is left: {said}.")


@contextmanager
def _unlogged() -> Iterator[None]:
    """Log nothing: pytest keeps every line, which is no memory of the source's."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@law("full", seconds=30, rests_on=("reads_everything",), needs={"replayable"})
async def survives_a_stalled_store(trial: Trial) -> None:
    """When the store stalls and nobody pulls, a source goes on afterwards with nothing lost.

    A store is slow some day. Not being pulled is the backpressure; it is no error.

    Start no clock at a yield, and read again what the far side dropped meanwhile.
    """
    ledger = Ledger()
    async with trial.upstream() as far:
        half = max(1, (await trial.whole()).count // 2)
        stalled: list[int] = []

        def pause() -> float:
            if stalled or ledger.count < half:
                return 0.0
            stalled.append(1)
            return STORE_SECONDS

        await trial.read(far, ledger, pause=pause)
    cure = "It must bear not to be pulled for a while."
    trial.require_whole(
        await trial.wanted(), ledger, f"after a stall of {STORE_SECONDS:.0f} s", cure
    )


@law("full", seconds=30, rests_on=("reads_everything",))
async def instances_do_not_meet(trial: Trial) -> None:
    """Two instances in one process, at two upstreams, read as if each were alone.

    A worker runs many connectors of one plugin.

    Keep what you know in `self`, never in the class or the module.
    """
    wanted, half = await trial.wanted(), (await trial.whole()).count // 2
    one, other = Ledger(), Ledger()
    over = False

    async def read_other() -> None:
        nonlocal over
        try:
            async with trial.upstream() as far:
                await trial.read(far, other)
        finally:
            over = True

    async with trial.upstream() as far:
        # The other one reads everything while this one stands still in the middle.
        beside = asyncio.create_task(read_other())
        await trial.read(
            far, one, pause=lambda: BESIDE_SECONDS if one.count >= half and not over else 0.0
        )
        await beside
    for ledger in (one, other):
        trial.require_whole(wanted, ledger, "beside another instance", "Share nothing.")


LAWS = (
    a_reading_is_short,
    keeps_the_loop_free,
    stops_at_every_await,
    waits_without_work,
    leaves_nothing_behind,
    survives_a_stalled_store,
    instances_do_not_meet,
)
