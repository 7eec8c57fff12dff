"""A life ends when it is told to, whatever its source is at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from connectors_core import Config, Partition, Record, Retry, Source
from connectors_core.testing.ledger import Ledger
from connectors_core.testing.life import Life

closing, may_close = threading.Event(), threading.Event()


class SlowToClose(Source[Config]):
    """A plain generator that asks for another try, and is a while in its `finally`."""

    name = "slow-to-close"
    tries = 0

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:
        type(self).tries += 1
        try:
            yield Record(1, offset={"n": self.tries})
            raise Retry("not there")
        finally:
            closing.set()
            may_close.wait(60)


async def test_who_is_stopped_while_it_closes_is_not_tried_again() -> None:
    async with Life(SlowToClose, Config(), Ledger()) as life:
        reading = asyncio.create_task(life.read([Partition({})], stall=60.0))
        while not closing.is_set():
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.sleep(0.05)
        may_close.set()
        async with asyncio.timeout(30):
            await asyncio.gather(reading, return_exceptions=True)
    assert SlowToClose.tries == 1
