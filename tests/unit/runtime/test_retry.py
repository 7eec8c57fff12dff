"""Waits between tries, groups of errors, shared budgets."""

from __future__ import annotations

import asyncio

import pytest

from connectors_core import ConfigError, DataError, OffsetError, Retry
from connectors_core.api.errors import ContractError, FencedError, SchemaError, StoreError
from connectors_core.runtime.context import Shared
from connectors_core.runtime.retry import Backoff, error_group, restartable


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def waits(backoff: Backoff, count: int, *, progressed: bool) -> list[float]:
    return [backoff.next(progressed=progressed) for _ in range(count)]


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(1, 10, clock=Clock(), jitter=lambda: 1.0)
    assert waits(backoff, 6, progressed=False) == [1, 2, 4, 8, 10, 10]


def test_jitter_takes_off_up_to_half() -> None:
    backoff = Backoff(8, 8, clock=Clock(), jitter=lambda: 0.0)
    assert backoff.next(progressed=False) == 4


def test_falls_back_only_after_progress_and_thirty_seconds() -> None:
    clock = Clock()
    backoff = Backoff(1, 100, clock=clock, jitter=lambda: 1.0)
    waits(backoff, 3, progressed=False)
    assert backoff.next(progressed=True) == 8
    clock.now += 31
    assert backoff.next(progressed=False) == 16
    clock.now += 31
    assert backoff.next(progressed=True) == 1


@pytest.mark.parametrize(
    ("error", "group", "again"),
    [
        (ConfigError("x"), "config", False),
        (DataError("x"), "data", False),
        (SchemaError("x"), "schema", False),
        (FencedError("x"), "fenced", False),
        (OffsetError("x"), "offset", False),
        (ContractError("x"), "source", False),
        (StoreError("x"), "store", True),
        (Retry("x"), "retry", True),
        (ConnectionResetError("x"), "network", True),
        (TimeoutError("x"), "network", True),
        (ValueError("x"), "unknown", True),
    ],
)
def test_an_errors_group_decides_whether_it_is_tried_again(
    error: Exception, group: str, again: bool
) -> None:
    assert (error_group(error), restartable(error)) == (group, again)


async def test_sessions_are_exclusive_and_pass_on() -> None:
    shared, inside, most = Shared(), [0], [0]

    async def use() -> None:
        async with shared.session("key", 2):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            await asyncio.sleep(0)
            inside[0] -= 1

    await asyncio.gather(*(use() for _ in range(10)))
    assert most == [2]
    with pytest.raises(ContractError, match="limit 2, now 1"):
        async with shared.session("key", 1):
            pass


async def test_pace_spreads_and_hold_stops_everyone() -> None:
    clock, slept = Clock(), []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        clock.now += seconds

    shared = Shared(clock, sleep)
    for _ in range(3):
        await shared.pace("host", 4.0)
    assert slept == [0.25, 0.25]
    shared.hold("host", 30)
    await shared.pace("host", 4.0)
    await shared.pace("other", 4.0)
    assert slept[2:] == [30.0]
