"""Sources for the kill loops: every record says its partition and its number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from pydantic import Field

from connectors_core import Batch, Config, Record, Source


class Options(Config):
    """How much to give."""

    partitions: int = Field(3, ge=1, description="How many partitions.")
    last: int = Field(1000, ge=1, description="The last number of each partition.")
    burst: int = Field(20, ge=1, description="Numbers between two waits.")
    wait: float = Field(0.001, ge=0, description="Seconds of each wait.")


class Counting(Source[Options]):
    """Numbers with an offset each; every seventh closes a unit of seven when `last` is odd."""

    name = "counting"

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": p} for p in range(self.config.partitions)]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, self.config.last + 1):
            closes = not self.config.last % 2 or n % 7 == 0 or n == self.config.last
            yield Record({"p": partition["p"], "n": n}, offset={"n": n} if closes else None)
            if n % self.config.burst == 0:
                await asyncio.sleep(self.config.wait)


class PlainCounting(Counting):
    """The same from a plain generator."""

    name = "plain-counting"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        for n in range(offset["n"] + 1 if offset else 1, self.config.last + 1):
            yield Record({"p": partition["p"], "n": n}, offset={"n": n})


class Keeping(Source[Options]):
    """`read_all` with keyed state: the number comes from the state, not from the offset.

    Every fifth step of a partition is a batch of state alone. A state that is ahead of the records
    loses numbers, one that is behind doubles them.
    """

    name = "keeping"

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": p} for p in range(self.config.partitions)]

    async def read_all(self, positions: Mapping[Any, Any]) -> AsyncIterator[Batch]:
        states = {partition: self.context.state(partition) for partition in positions}
        steps = {
            partition: (offset or {"step": 0})["step"] for partition, offset in positions.items()
        }
        while any((state.get("n") or 0) < self.config.last for state in states.values()):
            for partition, state in states.items():
                n = state.get("n") or 0
                if n >= self.config.last:
                    continue
                steps[partition] += 1
                yield self._step(partition, n, steps[partition], bool(state.get("noted")))
            await asyncio.sleep(self.config.wait if self.config.burst == 1 else 0)

    def _step(self, partition: Any, n: int, step: int, noted: bool) -> Batch:
        offset = {"step": step}
        if n % 5 == 0 and not noted:
            return Batch(offset=offset, state={"noted": True}, partition=partition)
        records = [Record({"p": partition["p"], "n": n + more}) for more in (1, 2)]
        state = {"n": n + 2, "noted": None, f"row|{n:06d}": n}
        return Batch(records, offset, state, partition)
