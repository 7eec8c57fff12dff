"""A source whose partitions share one connection: every item names its partition."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from connectors_core import Batch, Offset, OffsetError, Partition, Record, Source
from tests.typing.examples.config import QuotesConfig


class Shared(Source[QuotesConfig]):
    name = "shared"

    async def partitions(self) -> list[dict[str, str]]:
        return [{"symbol": symbol} for symbol in self.config.symbols]

    async def read_all(
        self, positions: Mapping[Partition, Offset | None]
    ) -> AsyncIterator[Record | Batch]:
        for partition, offset in positions.items():
            seq = offset["seq"] if offset else 0
            if not isinstance(seq, int):
                raise OffsetError(f"seq is {seq!r}")
            yield Record({"seq": seq}, offset={"seq": seq + 1}, partition=partition)
            yield Batch(offset={"seq": seq + 2}, state={"last": [seq]}, partition=partition)
