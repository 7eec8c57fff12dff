"""Witness: what a child process writes of a record, so that its parent can judge what is stored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

import msgspec

from connectors_core.api.converter import Converter
from connectors_core.api.record import Batch, Item, Offset, Partition, Record
from connectors_core.api.schema import Schema
from connectors_core.api.source import Source
from connectors_core.api.store import SchemaRow
from connectors_core.runtime.calls import call
from connectors_core.testing.driver.compare import text_of

HEADER = "contract.partition"


class Witness(Converter):
    """Writes any value as the text by which the kit compares."""

    name: ClassVar[str] = "witness"

    def __init__(self, comparable: Any) -> None:
        self._comparable = comparable

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        """Return the text of what two readings of the value have in common."""
        return text_of(self._comparable(value)).encode("utf-8", "surrogatepass")


def witnessed(stored: bytes | None) -> str:
    """Return the text that a Witness has written; None is what it is not asked about."""
    return (stored or b"null").decode("utf-8", "surrogatepass")


class NoSchemas:
    """A registry with nothing in it."""

    def pending(self) -> list[SchemaRow]:
        """Return nothing."""
        return []

    def durable(self, rows: list[SchemaRow]) -> None:
        """Hear nothing."""


class Firsts:
    """Which partitions have a stored offset.

    What a live source promises begins with the first of them: a read waits until that is stored,
    as the kit's own readings do at every unit. A plain generator has no loop to wait on.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._stored: defaultdict[Partition, asyncio.Event] = defaultdict(asyncio.Event)

    def heard(self, partition: Partition) -> None:
        """Note that one is stored."""
        self._stored[partition].set()

    async def after(self, item: Item, partition: Partition | None) -> None:
        """Wait until a partition has one, if this item gives it its first."""
        if self._waits and item.offset is not None:
            await self._stored[_place(item, partition)].wait()


def stamped(source: type[Source[Any]], *, live: bool) -> type[Source[Any]]:
    """Return a source whose records say in a header which source partition they are of.

    One that is `live`, without an end, waits for its first offset to be stored.
    """

    class Heard(source):  # type: ignore[valid-type, misc]
        def __init__(self, config: Any, context: Any) -> None:
            super().__init__(config, context)
            self.contract_firsts = Firsts(live)

        async def committed(self, partition: Partition, offset: Offset) -> None:
            await call(super().committed, partition, offset)
            self.contract_firsts.heard(partition)

    class Stamped(Heard):
        def read(self, partition: Partition, offset: Offset | None) -> Any:
            return _stamp(super().read(partition, offset), partition, self.contract_firsts)

    class StampedAll(Heard):
        def read_all(self, positions: Mapping[Partition, Offset | None]) -> Any:
            return _stamp(super().read_all(positions), None, self.contract_firsts)

    return Stamped if source.read_all is Source.read_all else StampedAll


def _stamp(generator: Any, partition: Partition | None, firsts: Firsts) -> Any:
    return (
        _async(generator, partition, firsts)
        if hasattr(generator, "__anext__")
        else _plain(generator, partition)
    )


async def _async(
    generator: Any, partition: Partition | None, firsts: Firsts
) -> AsyncIterator[Item]:
    async with aclosing(generator) as items:
        async for item in items:
            yield _marked(item, partition)
            await firsts.after(item, partition)


def _plain(generator: Any, partition: Partition | None) -> Iterator[Item]:
    try:
        for item in generator:
            yield _marked(item, partition)
    finally:
        getattr(generator, "close", lambda: None)()


def _marked(item: Any, partition: Partition | None) -> Any:
    place = _place(item, partition)
    if isinstance(item, Record):
        return msgspec.structs.replace(item, headers=(*item.headers, (HEADER, place.key)))
    if isinstance(item, Batch):
        records = [_marked(each, place) for each in item.records]
        return Batch(records, item.offset, item.state, item.partition)
    return item


def _place(item: Any, partition: Partition | None) -> Partition:
    return partition if partition is not None else Partition(item.partition or {})
