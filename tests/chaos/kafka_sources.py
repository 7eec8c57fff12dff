"""Sources for faults of records and of keyed state on Kafka."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from connectors_core import Batch, Config, Record, Source, hookimpl

ROWS = 1000
"""Rows of state in one batch of `stocking`."""


class PaddedOptions(Config):
    last: int = Field(100, description="The last number.")
    every: int = Field(1, description="Which numbers are padded: 7 means each seventh.")
    padding: int = Field(0, description="Bytes beside the number.")


class Padded(Source[PaddedOptions]):
    """Numbers, some of them in large records; each with an offset."""

    name = "padded"

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": 0}]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, self.config.last + 1):
            size = self.config.padding if n % self.config.every == 0 else 0
            pad = random.randbytes(size // 2).hex()  # what producers can't compress
            yield Record({"p": 0, "n": n, "pad": pad}, offset={"n": n})
            await asyncio.sleep(0)


class StockingOptions(Config):
    last: int = Field(100, description="How many batches.")


class Stocking(Source[StockingOptions]):
    """Keyed state by the thousand: batch n writes rows, and deletes a tenth of those before it."""

    name = "stocking"

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": 0}]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Batch]:
        for n in range(offset["n"] + 1 if offset else 1, self.config.last + 1):
            state: dict[str, Any] = {f"row|{n:04d}|{row:04d}": n * row for row in range(ROWS)}
            state |= {f"row|{n - 1:04d}|{row:04d}": None for row in range(0, ROWS, 10) if n > 1}
            yield Batch([Record({"p": 0, "n": n})], {"n": n}, {**state, "n": n})
            await asyncio.sleep(0)


def stock(last: int) -> dict[str, int]:
    """Return the state after batch `last`."""
    found = {
        f"row|{n:04d}|{row:04d}": n * row
        for n in range(1, last + 1)
        for row in range(ROWS)
        if row % 10 or n == last
    }
    return {**found, "n": last}


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    return [Padded, Stocking]
