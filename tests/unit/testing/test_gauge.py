"""A gauge says what went out too early or too fast, by the clock on which tokens are given."""

from __future__ import annotations

import asyncio
from typing import Any

from connectors_core.testing.driver import gauge as gauges
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.gauge import Gauge
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life_context import LifeContext


class Asked(FarSide):
    """A far side that is asked without any network."""

    def __init__(self) -> None:
        self.asked: list[int] = [0]  # by somebody else, before

    def requests(self) -> list[Any]:
        return self.asked


def gauge() -> tuple[Asked, Gauge]:
    far = Asked()
    made = Gauge(far)
    made.context = LifeContext(Ledger(), made.clock)
    return far, made


async def ask(far: Asked, gauge: Gauge, names: list[str], before: int = 1, after: int = 0) -> None:
    for name in names:
        far.asked += [1] * (1 - before)
        for _ in range(before + after):
            await gauge.context.pace(name, 10.0)
        far.asked += [1] * before


async def test_a_token_before_each_request_is_the_pace() -> None:
    far, made = gauge()
    await ask(far, made, ["host"] * 20)
    assert made.found() == ""
    assert made.clock.now() > 1.8


async def test_a_request_before_its_token_is_early() -> None:
    far, made = gauge()
    await ask(far, made, ["host"] * 3, before=0, after=1)
    assert "it asked" in made.found()
    assert "before it had a token" in made.found()


async def test_a_budget_for_each_request_is_none() -> None:
    far, made = gauge()
    await ask(far, made, ["a", "b", "c"])
    assert made.found().startswith("it asked 2 times in 0.000 s, and named at most 10 a second.")


async def test_a_token_that_never_becomes_a_request_holds_nobody_up_for_long(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(gauges, "ARRIVAL_SECONDS", 0.01)
    far, made = gauge()
    await made.context.pace("host", 10.0)
    await ask(far, made, ["host"] * 5)
    assert made.found() == ""


async def test_after_a_lost_token_time_waits_for_requests_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(gauges, "ARRIVAL_SECONDS", 0.3)
    far, made = gauge()

    async def asking() -> None:
        for _ in range(4):
            await made.context.pace("host", 10.0)
            await asyncio.sleep(0.01)
            far.asked.append(1)

    await made.context.pace("host", 10.0)
    await asyncio.gather(asking(), asking())
    assert made.found() == ""


async def test_without_requests_there_is_nothing_to_judge() -> None:
    _, made = gauge()
    await made.context.pace("host", 10.0)
    assert "notes no `requests`" in made.found()
