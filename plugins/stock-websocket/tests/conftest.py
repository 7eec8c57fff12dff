"""What these tests read with: a source on a context in memory, against the fake upstream."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Batch, Partition, Record, Reject
from connectors_core.testing import MemoryContext
from pyconnect_stock_websocket import StockWebSocket
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.testing import Upstream

PATIENCE = 20.0


class Reader:
    """A connector: each `read` is one call of read_all from what is committed."""

    def __init__(self, context: MemoryContext | None = None, **options: Any) -> None:
        self.context = context or MemoryContext()
        self.source = StockWebSocket(StockConfig(**options), self.context)
        self.options = options
        self.opened = False

    def restarted(self) -> Reader:
        """Return what a new process finds."""
        return Reader(self.context.copy(), **self.options)

    async def read(self, enough: Callable[[MemoryContext], bool]) -> None:
        """Read and commit item by item until it is enough; the generator's error is raised."""
        if not self.opened:
            await self.source.open()
            self.opened = True
        places = [Partition(each) for each in await self.source.partitions()]
        positions = {place: self.context.offsets.get(place) for place in places}
        async with asyncio.timeout(PATIENCE):
            async with aclosing(self.source.read_all(positions)) as items:
                if enough(self.context):
                    return
                async for item in items:
                    self._check(item)
                    self.context.apply({}, item)
                    if enough(self.context):
                        return

    def _check(self, item: Record | Batch | Reject) -> None:
        assert item.partition is not None
        if item.offset is not None:
            assert item.offset != self.context.offsets.get(Partition(item.partition))

    @property
    def trades(self) -> list[str]:
        """The event ids of the trades, in their order."""
        return [event_of(each) for each in self.context.records if each.topic is None]

    @property
    def gaps(self) -> list[Record]:
        """The declared gaps."""
        return [each for each in self.context.records if each.topic == "gaps"]


def event_of(record: Record) -> str:
    """Return the event id of a record."""
    return str(dict(record.headers)["event_id"])


@pytest.fixture
def reader() -> type[Reader]:
    return Reader


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A market that trades only when told to."""
    async with Upstream(rate=0) as running:
        yield running


@pytest.fixture
def cases() -> Path:
    """The folder of the example messages."""
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is not set")
    return Path(folder) / "ws"
