"""Mutants that break a law of offsets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connectors_core import Record
from tests.hostile.lawful import Lawful
from tests.hostile.mutants.breaking import (
    Rewritten,
    breaks,
)


@breaks("offsets_are_flat_json")
class OffsetIsASet(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"], "seen": {1, 2}})]


@breaks("offsets_are_flat_json")
class OffsetIsHuge(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"], "seen": "x" * 2000})]


@breaks("offsets_move")
class OneOffsetForTwo(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] // 2})]


@breaks("resumes_from_every_offset")
class OneTooFar(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] + 1})]


@breaks("resumes_from_every_offset")
class OneBefore(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] - 1})]


@breaks("resumes_from_every_offset")
class SkipsTheRestOfThePage(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = offset["page"] if offset else 0
        while items := (await self.page(partition, after))["items"]:
            after = items[-1]["seq"]
            for item in items:
                yield Record(item, offset={"page": after, "seq": item["seq"]})

    async def committed(self, partition: Any, offset: Any) -> None:
        await self.ask("/ack", shard=partition["shard"], seq=offset["seq"])


@breaks("resumes_from_every_offset")
class NumbersWhatItReads(Lawful):
    """The value is right, and who keeps the last one of each key keeps another one."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        number = 0
        async for record in super().read(partition, offset):
            number += 1
            yield Record(record.value, key=number, offset=record.offset)


@breaks("resumes_from_every_offset")
class AnotherTopicAfterAStart(Lawful):
    topics = ("first",)

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        topic = None if offset else "first"
        async for record in super().read(partition, offset):
            yield Record(record.value, key=record.key, offset=record.offset, topic=topic)


@breaks("accepts_older_offsets")
class ForgetsTheOldForm(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        offset = offset and {"seq": offset.get("seq", 0)}
        async for record in super().read(partition, offset):
            yield record
