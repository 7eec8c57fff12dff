"""How the drivers of generators end them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from connectors_core import Record
from connectors_core.runtime.pump import AsyncPump
from connectors_core.runtime.thread_pump import ThreadPump


class Open:
    """A gate that takes everything."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.refused = False
        self.given_up = False

    def take(self, item: Any) -> bool:
        self.taken.append(item)
        return False

    def crowded(self) -> bool:
        return False

    async def room(self) -> None:
        return None


async def test_a_generator_that_is_closed_before_its_pump_begins_is_never_pulled() -> None:
    """Else it would go on, with nobody left to end it, when the run closes amid a retry."""

    async def waits() -> AsyncGenerator[Any, None]:
        yield Record(1, offset={"n": 1})
        await asyncio.Event().wait()

    gate = Open()
    pump = AsyncPump(waits(), gate)
    assert await pump.close(1.0)
    async with asyncio.timeout(10):
        await pump.run()
    assert gate.taken == []


async def test_a_plain_generator_that_is_closed_before_its_pump_begins_is_never_pulled() -> None:
    pulled, release = [0], threading.Event()

    def waits() -> Iterator[Any]:
        pulled[0] += 1
        release.wait()
        yield Record(1, offset={"n": 1})

    pump = ThreadPump(waits(), Open(), threading.Lock(), set())
    assert await pump.close(1.0)
    try:
        async with asyncio.timeout(10):
            await pump.run()
    finally:
        release.set()
    assert pulled == [0]
