"""Mutants that break a law of a reading."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connectors_core import Batch, Record, Reject
from tests.hostile.lawful import Lawful
from tests.hostile.mutants.breaking import (
    Rewritten,
    breaks,
)


@breaks("items_are_well_formed")
class LeavesTheUnitOpen(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record, *[Record(record.value)][: record.value["seq"] == 8]]


@breaks("items_are_well_formed")
class YieldsDicts(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record.value]


@breaks("items_are_well_formed")
class OffsetsInABatch(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Batch([record], record.offset)]


@breaks("items_are_well_formed")
class BatchOfAGenerator(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Batch((each for each in [Record(record.value)]), record.offset)]  # type: ignore[arg-type]


@breaks("items_are_well_formed")
class BatchInAnOpenUnit(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value), Batch(offset=None), Batch(offset=record.offset)]


@breaks("items_are_well_formed")
class RejectsText(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        first = record.value["seq"] == 1
        return [*[Reject(None, "text")][:first], record]  # type: ignore[arg-type]


class OwnRecord(Record):
    pass


@breaks("items_are_well_formed")
class YieldsItsOwnKind(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        own = OwnRecord(record.value, key=record.key, offset=record.offset)
        return [own if record.value["seq"] == 8 else record]


@breaks("reads_everything")
class SkipsOne(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record] if record.value != {"seq": 5, "shard": 1, "text": "item 5"} else []


@breaks("reads_everything")
class DoublesOne(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        twice = record.value["seq"] == 5 and record.value["shard"] == 1
        return [Record(record.value), record] if twice else [record]


@breaks("reads_everything")
class OutOfOrder(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        held = None
        async for record in super().read(partition, offset):
            if record.value["seq"] == 4:
                held = record.value
                continue
            yield record
            if held is not None:
                yield Record(held, offset={"seq": record.value["seq"], "late": True})
                held = None


@breaks("reads_everything")
class EndsTooSoon(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record] if record.value["seq"] < 8 else []


@breaks("records_survive_avro")
class HalfACharacter(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, key="\ud800", offset=record.offset)]


@breaks("schemas_are_stable")
class FieldsOfASet(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        value = {name: record.value[name] for name in {*record.value}}
        return [Record(value, key=record.key, offset=record.offset)]
