"""From a record to the row that is stored: its topic, its partition there, its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connectors_core.api.converter import Converter
from connectors_core.api.errors import ContractError, DataError
from connectors_core.api.record import Record
from connectors_core.api.schema import Schema
from connectors_core.api.store import Headers, Row, TopicLimits
from connectors_core.runtime.murmur2 import partition_for
from connectors_core.runtime.timestamp import check_timestamp
from connectors_core.runtime.unit import Target


class Room(NamedTuple):
    """What a topic has room for: how many partitions, and what in one record."""

    partitions: int
    limits: TopicLimits


class NeedSamples(Exception):
    """The schema of a topic is not known yet: values must be collected first."""


class Route:
    """One logical topic of a source: where its records go and what they look like."""

    __slots__ = ("limits", "partitions", "ready", "record_bytes", "schema", "topic")

    def __init__(self, topic: str, room: Room, schema: Schema | None) -> None:
        self.topic = topic
        self.partitions, self.limits = room
        self.record_bytes = room.limits.record_bytes
        self.schema = schema
        self.ready = schema is not None


class Encoder:
    """Turns one task's records into rows. Not shared between tasks."""

    def __init__(
        self,
        routes: Mapping[str | None, Route],
        key: Converter,
        value: Converter,
    ) -> None:
        self._routes = routes
        self._key = key
        self._value = value
        self.encode_value: Callable[[str, Schema | None, Any], bytes] = value.encode
        self.bound_value = value.bound

    def row(self, record: Record, source_partition: str) -> tuple[Target, Row, int]:
        """Return where a record goes, its row, and the bytes of its key, value and headers.

        Raises NeedSamples before the first values of an inferred topic, DataError for a record
        that can't be written, ContractError for a topic that the source does not declare.
        """
        route = self._routes.get(record.topic) or self._unknown(record.topic)
        schema = record.schema or route.schema
        value, key = record.value, record.key
        size = 0
        if value is not None:
            if not route.ready and schema is None:
                self._wait_for_samples(route, value)
            value = self.encode_value(route.topic, schema, value)
            size = len(value)
        if key is not None:
            key = self._key.encode(route.topic, None, key)
            size += len(key)
        elif route.limits.keyed:
            raise DataError(
                f"the record has no key, and the topic {route.topic} is compacted, which takes none"
                " without. Give it a key, or the topic another cleanup.policy.",
                code="data.no-key",
            )
        headers = _headers(record.headers) if record.headers else ()
        size += sum(len(name.encode()) + len(data) for name, data in headers)
        if size > route.record_bytes:
            raise DataError(
                f"the record is {size} bytes, and at most {route.record_bytes} are taken there. Raise"
                " batch.max.bytes and the topic's max.message.bytes, or split the value at its"
                " source.",
                code="data.too-large",
            )
        timestamp = record.timestamp
        if timestamp is not None:
            check_timestamp(timestamp, route.topic, route.limits)
        row = (key, value, timestamp, headers)
        return (route.topic, self._partition(route, record, key, source_partition)), row, size

    def learn(self, records: list[Record]) -> None:
        """Let the converter learn every topic of these records that is not known yet."""
        waiting: dict[str | None, list[Any]] = {}
        for record in records:
            # What is garbage here is that record's own error later.
            if type(record) is not Record or not isinstance(record.topic, str | None):
                continue
            route = self._routes.get(record.topic)
            if route and not route.ready and record.schema is None and record.value is not None:
                waiting.setdefault(record.topic, []).append(record.value)
        for topic, samples in waiting.items():
            route = self._routes[topic]
            if self._value.wants_samples(route.topic, None):
                self._value.learn(route.topic, samples)
            route.ready = True

    def _wait_for_samples(self, route: Route, value: Any) -> None:
        if not self._value.wants_samples(route.topic, None):
            route.ready = True
        elif isinstance(value, dict | list):
            raise NeedSamples(route.topic)

    def _partition(
        self, route: Route, record: Record, key: bytes | None, source_partition: str
    ) -> int:
        count = route.partitions
        chosen = record.kafka_partition
        if chosen is not None:
            if type(chosen) is not int or not 0 <= chosen < count:
                raise DataError(
                    f"kafka_partition {chosen!r}: topic {route.topic} has partitions 0 to"
                    f" {count - 1}. Make the topic larger, or choose one of these.",
                    code="data.partition",
                )
            return chosen
        if key is None:
            return partition_without_key(source_partition, count)
        return 0 if count == 1 else partition_for(key, count)

    def _unknown(self, topic: str | None) -> Route:
        known = ", ".join(sorted(str(name) for name in self._routes if name is not None))
        raise ContractError(
            f"record for the topic {topic!r}, which the source does not declare in `topics`"
            f" ({known or 'it declares none'}).",
            code="source.topic",
        )


def partition_without_key(source_partition: str, count: int) -> int:
    """Return where the records of a source partition go that have no key."""
    # Invariant 3: all of them to one place, or their order would be lost.
    return 0 if count == 1 else partition_for(source_partition.encode(), count)


def _headers(headers: Any) -> Headers:
    try:
        return tuple(
            (_text(name), value if type(value) is bytes else _text(value).encode())
            for name, value in headers
        )
    except (TypeError, ValueError) as error:
        raise DataError(
            f"headers must be pairs of text and text or bytes: {error}.", code="data.headers"
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"got {type(value).__name__}")
    value.encode()
    return value
