"""Sources that only a kill shows, and one that a kill must not accuse; with their contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from connectors_core import Record, Reject
from connectors_core.runtime import crash
from connectors_core.testing import SourceContract
from tests.chaos.kafka_child import offsets_outside
from tests.hostile.lawful import SHARDS, Items, Lawful, item
from tests.hostile.mutants.breaking import Following, Pruning
from tests.hostile.mutants.of_life import AcknowledgesAtTheEnd

SURE = {"replayable", "ordered"}


class RejectsAgain(Lawful):
    """Says in the offset that it has rejected something, and does not look at that."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            if record.value["seq"] == 4:
                yield Reject("four is no number", b"4", offset={"seq": 3, "rejected": 4})
                await asyncio.sleep(0.05)  # so that a commit ends here
            yield record


class RejectsWithinUnits(Lawful):
    """Rejects its fifth items, each in the unit of the sixth, and takes its time for the last."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            if record.value["seq"] == 8:
                await asyncio.sleep(0.5)
            rejected = record.value["seq"] == 5
            yield Reject("five is no number", b"5") if rejected else record


class WithoutFives(Following):
    def expected(self) -> list[Any]:
        return [item(shard, n) for shard in range(SHARDS) for n in (1, 2, 3, 4, 6, 7, 8)]


class AtOnce(Lawful):
    """Gives all that there is without a wait in between."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        for record in [record async for record in super().read(partition, offset)]:
            yield record


class Wide(Lawful):
    """Gives records of so many fields that their schema is longer than a pipe's buffer."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            value = {f"field_with_a_long_name_{n:04d}": n for n in range(3000)}
            yield Record(value, offset=record.offset)


class OffsetsOutside(Lawful):
    """Not a fault of the source, but of its worker's store: offsets are stored beside transactions.

    Of those workers alone that are killed: the others, and the readings, are as always.
    """

    async def open(self) -> None:
        if crash.armed():
            offsets_outside()


class LawfulContract(SourceContract):
    source = Lawful
    upstream = Items
    capabilities = SURE | {"bounded"}


class RejectsAgainContract(LawfulContract):
    source = RejectsAgain


class RejectsWithinUnitsContract(SourceContract):
    source = RejectsWithinUnits
    upstream = WithoutFives
    capabilities = SURE


class AtOnceContract(LawfulContract):
    source = AtOnce


class WideContract(LawfulContract):
    source = Wide


class OffsetsOutsideContract(LawfulContract):
    source = OffsetsOutside


class AcknowledgesAtTheEndContract(LawfulContract):
    source = AcknowledgesAtTheEnd
    upstream = Pruning
