"""A source with one generator, all that it may yield, and what its context offers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from connectors_core import (
    Batch,
    Config,
    Offset,
    Partition,
    Record,
    Reject,
    Retry,
    Source,
    every,
    hookimpl,
    merge,
)
from tests.typing.examples.config import QuotesConfig


class Quotes(Source[QuotesConfig]):
    name = "quotes"
    topics = ("gaps",)

    async def open(self) -> None:
        self.symbols = tuple(self.config.symbols)

    async def partitions(self) -> Iterable[dict[str, str]]:
        return [{"symbol": symbol} for symbol in self.symbols]

    async def read(
        self, partition: Partition, offset: Offset | None
    ) -> AsyncIterator[Record | Batch | Reject]:
        state = self.context.state(partition)
        due = [key for key, _ in state.scan("due|", limit=10)]
        async with self.context.session("feed"):
            await self.context.pace("quotes.example", per_second=5.0)
            self.context.report(partition, lag=0, behind=None)
            yield Record({"price": 1.0}, key=partition["symbol"], offset={"seq": 1})
            yield Record(None, key="gone", topic="gaps", headers=[("why", b"\0"), ("who", "me")])
            yield Batch([Record(1), Record(2)], offset={"seq": 2}, state={"due|1": None})
            yield Reject("no number", raw=b"x", offset={"seq": len(due)})
        raise Retry("closed", after=1.5)

    async def committed(self, partition: Partition, offset: Offset) -> None:
        self.context.hold("quotes.example", 1.0)


class Numbers(Source[Config]):
    """A plain generator: read on a thread of its own."""

    name = "numbers"

    def read(self, partition: Partition, offset: Offset | None) -> Iterator[Record]:
        yield Record(1, offset={"n": 1})


class Merged(Source[Config]):
    """A timer beside a feed."""

    name = "merged"

    async def _feed(self) -> AsyncIterator[Record]:
        yield Record("live", offset={"n": 1})

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Record]:
        async with merge(self._feed(), every(10.0)) as items:
            async for item in items:
                if isinstance(item, Record):
                    yield item


@hookimpl
def pyconnect_sources() -> list[type[Source[QuotesConfig] | Source[Config]]]:
    return [Quotes, Numbers, Merged]
