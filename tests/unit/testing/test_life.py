"""A life ends when it is told to, whatever its source is at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connectors_core import Config, Partition, Record, Retry, Source
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import Life

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


class Away(Source[Config]):
    """Can't be opened."""

    name = "away"
    closed = 0

    async def open(self) -> None:
        raise Retry("away")

    async def close(self) -> None:
        self.closed += 1


async def test_who_could_not_be_opened_is_closed() -> None:
    life = Life(Away, Config(), Ledger())
    with pytest.raises(Retry, match="away"):
        async with life:
            pass
    assert life.source.closed == 1
    assert [str(each) for each in life.retries] == ["away"]


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
