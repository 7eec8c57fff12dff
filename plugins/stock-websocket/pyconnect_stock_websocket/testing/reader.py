"""Reader: reads a source on a context in memory, commit by commit, as the runtime would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from connectors_core import Batch, Partition, Record, Reject
from connectors_core.testing import MemoryContext
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.source import StockWebSocket

PATIENCE = 20.0


class Reader:
    """A connector: each `read` is one call of read_all from what is committed.

    Raises TimeoutError if it is not enough within 20 s.
    """

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
        """Hold the source to the contract: a partition always, never the same offset twice."""
        if item.partition is None:
            raise AssertionError(f"an item without a partition: {item}")
        last = self.context.offsets.get(Partition(item.partition))
        if item.offset is not None and item.offset == last:
            raise AssertionError(f"two items with the offset {last}")

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
