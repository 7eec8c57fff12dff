from collections.abc import AsyncIterator

import httpx
from connectors_core import Config, Offset, Partition, Record, Source
from pydantic import Field

from pyconnect_sample_source.api import follow


class Options(Config):
    url: str = Field(description="Where the items are: `?after=ID` gives those that follow.")
    poll: float = Field(5.0, gt=0, description="Seconds between two looks for more.")
    timeout: float = Field(10.0, gt=0, description="Seconds that an answer may take.")


class SampleSource(Source[Options]):
    """The items of a JSON API, in the order of their ids."""

    name, testing = "sample-source", "pyconnect_sample_source.testing"

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Record]:
        after, own = (offset["id"] if offset else 0), self.config
        async with httpx.AsyncClient(timeout=own.timeout) as client:
            async for item in follow(client, own.url, after, own.poll):
                yield Record(item, key=str(item["id"]), offset={"id": item["id"]})
