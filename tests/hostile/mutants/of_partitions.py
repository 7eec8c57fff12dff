"""Mutants that break a law of partitions."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from typing import Any

from connectors_core.testing import Request, Response
from tests.hostile.lawful import SHARDS, Items, Lawful
from tests.hostile.mutants.breaking import (
    OneShard,
    breaks,
)


@breaks("partitions_are_flat_and_distinct")
class TheSameTwice(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": 0}, {"shard": 1}, {"shard": 1}]


@breaks("partitions_are_flat_and_distinct")
class Nested(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": {"number": number}} for number in range(SHARDS)]


@breaks("partitions_are_stable")
class NewNames(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": number, "run": uuid.uuid4().hex} for number in range(SHARDS)]


@breaks("partitions_are_stable")
class TurnsThemRound(Lawful):
    asked = itertools.count()

    async def partitions(self) -> Any:
        found = [{"shard": number} for number in range(SHARDS)]
        return found[::-1] if next(self.asked) % 2 else found


@breaks("partitions_split", OneShard)
class HasOnePart(Lawful):
    """Says that it splits, at a far side that has nothing to split."""


@breaks("partitions_split")
class OneLeads(Lawful):
    leads = False

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        self.leads = self.leads or partition["shard"] == 0
        async for record in super().read(partition, offset):
            if self.leads or record.value["seq"] > 1:
                yield record


class OneSession(Items):
    """Serves whoever has come last, and has nothing for the others."""

    session = ""

    def answer(self, request: Request) -> Response:
        if request.path == "/session":
            self.session = request.query["id"]
            return Response(body="{}")
        session = request.query.pop("session", self.session)
        if session == self.session:
            return super().answer(request)
        return Response(body='{"items": [], "oldest": 1}')


@breaks("partitions_split", OneSession)
class ThrowsTheOthersOut(Lawful):
    session = ""

    async def open(self) -> None:
        self.session = uuid.uuid4().hex
        await self.ask("/session", id=self.session)

    async def ask(self, path: str, **query: Any) -> Any:
        if path == "/items":
            await asyncio.sleep(0.01)
            query["session"] = self.session
        return await super().ask(path, **query)


@breaks("partitions_are_the_same_elsewhere")
class PartitionsOfASet(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": int(each[6:])} for each in {f"shard {n}" for n in range(SHARDS)}]


@breaks("partitions_are_the_same_elsewhere")
class NamedByAHash(Lawful):
    async def partitions(self) -> Any:
        names = [hash(f"shard {number}") for number in range(SHARDS)]
        return [{"shard": number, "name": names[number]} for number in range(SHARDS)]
