"""KeywordTrends: the source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from connectors_core import Batch, Offset, Partition, Reject, Source
from pyconnect_keyword_trends.config import TrendsConfig

if TYPE_CHECKING:
    import httpx


class KeywordTrends(Source[TrendsConfig]):
    """How often keywords come up in a live stream, per window; or which searches trend where."""

    name = "keyword-trends"
    topics = ("gaps",)
    testing = "pyconnect_keyword_trends.testing"
    _client: httpx.AsyncClient | None = None

    async def partitions(self) -> Iterable[Mapping[str, str]]:
        """Return one partition for the stream, or one for each geo of the feed."""
        if self.config.provider == "jetstream":
            return [{"provider": "jetstream"}]
        return [{"provider": "google-rss", "geo": geo} for geo in self.config.geo]

    async def read(
        self, partition: Partition, offset: Offset | None
    ) -> AsyncIterator[Batch | Reject]:
        """Give the items of the provider. Its libraries load here: nobody waits for the other's."""
        items: AsyncGenerator[Batch | Reject]
        if partition["provider"] == "jetstream":
            from pyconnect_keyword_trends.jetstream import follow

            items = follow(self, partition, offset)
        else:
            from pyconnect_keyword_trends.google import poll

            items = poll(self, self._http(), partition, offset)
        async with aclosing(items) as stream:
            async for item in stream:
                yield item

    def _http(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self.config.timeout / 1000,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": "pyconnect-keyword-trends"},
            )
        return self._client

    async def close(self) -> None:
        """Close the connections of the feed."""
        if self._client is not None:
            await self._client.aclose()
