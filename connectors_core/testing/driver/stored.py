"""Stored: records as Avro, the way that a worker writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors_core.api.record import Record
from connectors_core.api.source import Source
from connectors_core.api.store import TopicLimits
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.runtime.encode import Encoder, Room, Route
from connectors_core.testing.driver.ledger import CONNECTOR

SAMPLES = 100


@dataclass(frozen=True, slots=True)
class Stored:
    """A record, the topic that it went to, and its key and value read back from Avro."""

    record: Record
    topic: str
    key: Any
    value: Any


def store_all(
    source: type[Source[Any]], records: Sequence[Record], registry: EmbeddedRegistry
) -> Iterator[Stored]:
    """Write records one after the other, and give each as it comes back.

    Raises PyconnectError for one that can't be written.
    """
    key, value = (AvroConverter(registry, is_key=is_key) for is_key in (True, False))
    encoder = Encoder(_routes(source), key, value)
    encoder.learn(list(records[:SAMPLES]))
    for record in records:
        (topic, _), (key_bytes, value_bytes, _, _), _ = encoder.row(record, "{}")
        yield Stored(
            record,
            topic,
            None if key_bytes is None else key.decode(topic, key_bytes),
            None if value_bytes is None else value.decode(topic, value_bytes),
        )


def _routes(source: type[Source[Any]]) -> dict[str | None, Route]:
    """Return where records of every logical topic go; a topic has one partition here."""
    room = Room(1, TopicLimits(1 << 30))
    names: tuple[str | None, ...] = (None, *source.topics)
    return {name: Route(name or CONNECTOR, room, source.schemas.get(name or "")) for name in names}
