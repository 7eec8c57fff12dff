"""Time that takes none: it goes in order, and stands still while something is under way."""

from __future__ import annotations

import asyncio
import time

import pytest

from connectors_core.testing import MemoryContext, VirtualClock


async def test_whoever_waits_least_is_first_and_nobody_waits() -> None:
    clock, woken = VirtualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now()))

    began = time.monotonic()
    await asyncio.gather(*(sleeper(each) for each in (7200.0, 60.0, 86_400.0, 60.0)))
    assert woken == [(60.0, 60.0), (60.0, 60.0), (7200.0, 7200.0), (86_400.0, 86_400.0)]
    assert time.monotonic() - began < 60


async def test_who_wakes_goes_on_before_time_does() -> None:
    clock, seen = VirtualClock(), []

    async def ticking() -> None:
        for _ in range(3):
            await clock.sleep(10.0)
            await asyncio.sleep(0)
            seen.append(clock.now())

    await asyncio.gather(ticking(), clock.sleep(100.0))
    assert seen == [10.0, 20.0, 30.0]


async def test_time_stands_still_while_something_is_under_way() -> None:
    under_way = True
    clock = VirtualClock(lambda: under_way)
    sleeping = asyncio.create_task(clock.sleep(1.0))
    await asyncio.sleep(0.05)
    assert (clock.now(), sleeping.done()) == (0.0, False)
    under_way = False
    await sleeping
    assert clock.now() == 1.0


async def test_a_sleep_that_is_cancelled_holds_nobody_back() -> None:
    clock = VirtualClock(lambda: True)
    sleeping = asyncio.create_task(clock.sleep(1.0))
    await asyncio.sleep(0.01)
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    clock._busy = lambda: False
    await clock.sleep(5.0)
    assert clock.now() == 5.0


async def test_the_least_wait_comes_nearer() -> None:
    clock = VirtualClock()
    await clock.sleep(1e9)
    await clock.sleep(1e-12)
    await clock.sleep(-1.0)
    assert clock.now() > 1e9


async def test_a_context_with_a_clock_gives_tokens_at_their_time() -> None:
    context = MemoryContext(clock=VirtualClock())
    clock = context.clock
    assert clock is not None
    given = []
    for _ in range(3):
        await context.pace("host", 2.0)
        given.append(clock.now())
    context.hold("host", 30.0)
    await context.pace("host", 2.0)
    assert given == [0.0, 0.5, 1.0]
    assert clock.now() == 31.0
    assert context.paced == [("host", 2.0)] * 4
    assert context.copy().clock is clock


async def test_a_context_without_one_gives_them_at_once() -> None:
    context = MemoryContext()
    async with asyncio.timeout(30):
        context.hold("host", 3600.0)
        await context.pace("host", 0.001)
        await context.pace("host", 0.001)


@pytest.mark.parametrize("seconds", [0.0, 0.25])
async def test_time_can_be_told_from_any_task(seconds: float) -> None:
    clock = VirtualClock()
    await clock.sleep(seconds)
    assert clock.now() == pytest.approx(seconds)
