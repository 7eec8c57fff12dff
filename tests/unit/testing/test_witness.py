"""What a child process makes of a source, so that its parent can judge what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from connectors_core import Batch, Config, Partition, Record, Source
from connectors_core.testing import MemoryContext
from connectors_core.testing.kills.witness import stamped

PLACE = Partition({"p": 1})


class Live(Source[Config]):
    """Says where it begins, and gives what comes from there."""

    name = "live"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        yield Batch(offset={"n": 0})
        yield Record("a", offset={"n": 1})


async def test_a_read_waits_until_its_first_offset_is_stored() -> None:
    """What comes after it is promised; a worker that is killed before begins somewhere else."""
    source = stamped(Live, live=True)(Config(), MemoryContext())
    items = source.read(PLACE, None)
    first = await anext(items)
    more = asyncio.ensure_future(anext(items))
    done, _ = await asyncio.wait({more}, timeout=0.05)
    assert not done
    await source.committed(PLACE, first.offset)
    assert dict((await more).headers) == {"contract.partition": PLACE.key}
    await items.aclose()


async def test_a_read_that_goes_on_waits_for_nothing() -> None:
    source = stamped(Live, live=True)(Config(), MemoryContext())
    await source.committed(PLACE, {"n": 0})
    assert len([each async for each in source.read(PLACE, {"n": 0})]) == 2
