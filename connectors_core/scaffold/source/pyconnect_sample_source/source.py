import asyncio
from collections.abc import AsyncIterator

from connectors_core import Offset, Partition, Record, Source
from connectors_core.clients import HttpClient, HttpConfig
from pydantic import Field


class Options(HttpConfig):
    path: str = Field("items", description="Where below the url the items are.")


class SampleSource(Source[Options]):
    """The items of a JSON API, in the order of their ids."""

    name, testing = "sample-source", "pyconnect_sample_source.testing"

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Record]:
        after = offset["id"] if offset else 0
        async with HttpClient(self.config, self.context) as client:
            while True:
                items = (await client.get(self.config.path, params={"after": after})).json(list)
                for item in items:
                    yield Record(item, key=str(item["id"]), offset={"id": (after := item["id"])})
                await asyncio.sleep(0 if items else self.config.poll_seconds)
