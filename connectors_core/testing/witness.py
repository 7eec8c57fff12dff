"""Witness: what a child process writes of a record, so that its parent can judge what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

import msgspec

from connectors_core.api.converter import Converter
from connectors_core.api.record import Batch, Item, Offset, Partition, Record
from connectors_core.api.schema import Schema
from connectors_core.api.source import Source
from connectors_core.api.store import SchemaRow
from connectors_core.testing.compare import text_of

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


def stamped(source: type[Source[Any]]) -> type[Source[Any]]:
    """Return a source whose records say in a header which source partition they are of."""

    class Stamped(source):  # type: ignore[valid-type, misc]
        def read(self, partition: Partition, offset: Offset | None) -> Any:
            return _stamp(super().read(partition, offset), partition)

    class StampedAll(source):  # type: ignore[valid-type, misc]
        def read_all(self, positions: Mapping[Partition, Offset | None]) -> Any:
            return _stamp(super().read_all(positions), None)

    return Stamped if source.read_all is Source.read_all else StampedAll


def _stamp(generator: Any, partition: Partition | None) -> Any:
    return (
        _async(generator, partition)
        if hasattr(generator, "__anext__")
        else _plain(generator, partition)
    )


async def _async(generator: Any, partition: Partition | None) -> AsyncIterator[Item]:
    async with aclosing(generator) as items:
        async for item in items:
            yield _marked(item, partition)


def _plain(generator: Any, partition: Partition | None) -> Iterator[Item]:
    try:
        for item in generator:
            yield _marked(item, partition)
    finally:
        getattr(generator, "close", lambda: None)()


def _marked(item: Any, partition: Partition | None) -> Any:
    place = partition if partition is not None else Partition(item.partition or {})
    if isinstance(item, Record):
        return msgspec.structs.replace(item, headers=(*item.headers, (HEADER, place.key)))
    if isinstance(item, Batch):
        records = [_marked(each, place) for each in item.records]
        return Batch(records, item.offset, item.state, item.partition)
    return item
