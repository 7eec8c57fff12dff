"""No worker outlives its block, and the hosts take turns."""

from __future__ import annotations

import asyncio

import pytest

from pyconnect_web_crawler.ring import Ring
from pyconnect_web_crawler.workers import Workers


async def test_leaving_the_block_cancels_workers_and_waits_for_their_end() -> None:
    began, ended = asyncio.Event(), False

    async def work() -> None:
        nonlocal ended
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended = True

    async with Workers[None](2) as workers:
        workers.start(work())
        await began.wait()
    assert ended


async def test_gives_results_as_they_come_and_what_workers_raise() -> None:
    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        if not seconds:
            raise LookupError("no page")
        return seconds

    async with Workers[float](2) as workers:
        workers.start(work(0.001))
        workers.start(work(3600))
        assert workers.full
        assert await workers.results(None) == [0.001]
        assert await workers.results(0.001) == []
        workers.start(work(0))
        with pytest.raises(LookupError, match="no page"):
            await workers.results(None)


def test_hosts_come_by_time_and_one_in_use_is_left_out() -> None:
    ring = Ring()
    for host, at in (("late", 30), ("soon", 10), ("never", None), ("next", 20)):
        ring.put(host, at)
    assert ring.take(5) is None
    assert ring.take(25) == "soon"
    ring.put("soon", 1)
    assert (ring.next(), ring.take(25), ring.take(25)) == (20, "next", None)
    ring.free("soon")
    assert ring.take(25) == "soon"
    ring.free("next")
    ring.put("next", None)
    assert (ring.next(), len(ring)) == (30, 4)
