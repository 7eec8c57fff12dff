"""merge and every."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors_core import every, merge


async def count(last: int, wait: float = 0.0) -> AsyncIterator[int]:
    for n in range(last):
        await asyncio.sleep(wait)
        yield n


async def test_gives_everything_in_order_within_each_input() -> None:
    async def tagged(name: str, last: int) -> AsyncIterator[tuple[str, int]]:
        async for n in count(last):
            yield name, n

    async with merge(tagged("a", 300), tagged("b", 500), limit=8) as items:
        got = [item async for item in items]
    assert [n for name, n in got if name == "a"] == list(range(300))
    assert [n for name, n in got if name == "b"] == list(range(500))


async def test_a_ticker_does_not_keep_it_going() -> None:
    async with merge(count(2, 0.02), every(0.001, -1)) as items:
        got = [item async for item in items]
    assert [n for n in got if n >= 0] == [0, 1]
    assert -1 in got


async def test_inputs_wait_when_nobody_takes() -> None:
    pulled = [0]

    async def endless() -> AsyncIterator[int]:
        while True:
            pulled[0] += 1
            yield pulled[0]

    async with merge(endless(), limit=10) as items:
        assert await anext(items) == 1
        for _ in range(20):
            await asyncio.sleep(0)
        assert pulled[0] <= 12


async def test_an_error_comes_after_what_came_before_it() -> None:
    async def breaks() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ValueError("broken")

    async with merge(breaks()) as items:
        assert [await anext(items), await anext(items)] == [1, 2]
        with pytest.raises(ValueError, match="broken"):
            await anext(items)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_an_input_can_not_end_the_process(error: type[BaseException]) -> None:
    async def ends() -> AsyncIterator[int]:
        yield 1
        raise error

    async with merge(ends()) as items:
        await anext(items)
        with pytest.raises(error):
            await anext(items)


async def test_leaving_closes_every_input() -> None:
    closed = []

    async def watched(name: str) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            closed.append(name)

    async with merge(watched("a"), watched("b")) as items:
        await anext(items)
    assert sorted(closed) == ["a", "b"]


def test_every_refuses_no_time_at_all() -> None:
    with pytest.raises(ValueError, match="above 0"):
        every(0)
