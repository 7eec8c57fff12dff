"""KafkaReader: what is committed, for commands and programs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors_core.api.errors import StoreError
from connectors_core.api.store import PartitionInfo, SchemaRow, StoredRecord, TopicInfo
from connectors_core.stores.kafka import client, position, schema_log
from connectors_core.stores.kafka.failure import passes, translated
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.table import Table
from connectors_core.stores.kafka.topics import Topics
from connectors_core.stores.names import unknown_partition

ANSWER_SECONDS = 10.0
READ_SECONDS = 30.0
STABLE_SECONDS = 3.0
"""How long a reader waits for the marks of a transaction that ends just now."""


class KafkaReader:
    """Reads committed records. One thread; calls block shortly.

    What was committed before a call is seen by it: an end is the high watermark, and reading waits
    a little for transactions that are being ended there.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topics = Topics(settings)
        self._asking: Any = None
        self._reading: Any = None
        self._at: tuple[str, int, int] | None = None
        self._ended = False

    def topics(self) -> list[TopicInfo]:
        """List the topics of records by name.

        `records` counts Kafka's own marks too, `bytes` is not known; `settings` are the topic's own.
        """
        found = {
            name: topic.partitions
            for name, topic in self._topics.all().items()
            if not self._settings.internal(name)
        }
        settings = self._topics.settings_of(found)
        return [
            TopicInfo(name, len(numbers), self._count(name, numbers), None, settings[name])
            for name, numbers in found.items()
        ]

    def describe(self, topic: str) -> list[PartitionInfo]:
        """Return where the partitions of a topic live. Raises ConfigError for an unknown one."""
        found = self._topics.one(topic).partitions
        return [
            PartitionInfo(
                number,
                one.leader if one.leader >= 0 else None,
                tuple(one.replicas),
                tuple(sorted(one.isrs)),
            )
            for number, one in sorted(found.items())
        ]

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end (the next to be written)."""
        numbers = sorted(self._topics.one(topic).partitions)
        return {number: self._watermarks(topic, number) for number in numbers}

    def read(self, topic: str, partition: int, start: int, limit: int = 500) -> list[StoredRecord]:
        """Return up to `limit` records from offset `start` on; fewer only at the end.

        Offsets rise, with gaps where Kafka keeps marks of its own.
        """
        if self._at != (topic, partition, start):
            count = len(self._topics.one(topic).partitions)
            if not 0 <= partition < count:
                raise unknown_partition(topic, partition, count)
        first, end = self._watermarks(topic, partition)
        if limit <= 0 or max(start, first) >= end:
            return []
        consumer = self._placed(topic, partition, max(start, first), at=start)
        self._ended, self._at = False, None  # if this fails, it is not known where the client is
        records = self._consume(consumer, (topic, end), limit)
        # The client tells once that it is at the end, so after that another one has to look.
        goes_on = records and not self._ended
        self._at = (topic, partition, records[-1].offset + 1) if goes_on else None
        return records

    def offsets(self) -> Iterator[tuple[str, str, str]]:
        """Give connector, partition key and offset of every committed offset, in their order."""
        for connector, values in sorted(self._table("offsets").items()):
            for partition_key, value in sorted(values.items()):
                yield connector, partition_key, value.decode("utf-8", "replace")

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        return schema_log.rows(self._table("schemas"))

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        for consumer in (self._asking, self._reading):
            if consumer is not None:
                consumer.close()
        self._asking = self._reading = self._at = None
        self._topics.close()

    def _table(self, which: str) -> dict[str, dict[str, bytes]]:
        topic, split = {
            "offsets": (self._settings.offsets_topic, position.split_key),
            "schemas": (self._settings.schemas_topic, schema_log.split_key),
        }[which]
        count = self._topics.partitions(topic)
        if not count:
            return {}
        table = Table(self._settings, topic, count, split)
        table.catch_up()
        return table.groups()

    def _count(self, topic: str, partitions: Any) -> int:
        bounds = [self._watermarks(topic, number) for number in partitions]
        return sum(end - first for first, end in bounds)

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """Return the first kept offset, and the end, what is not committed yet included."""
        if self._asking is None:
            self._asking = client.consumer(self._settings, committed=False)
        asked = TopicPartition(topic, partition)
        try:
            first, end = self._asking.get_watermark_offsets(asked, timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise translated(error, f"asking where partition {partition} ends", topic) from error
        return first, end

    def _placed(self, topic: str, partition: int, first: int, at: int) -> Any:
        """Return a consumer that reads on from there; a new one, so that nothing old comes first."""
        if self._reading is None or self._at != (topic, partition, at):
            if self._reading is not None:
                self._reading.close()
            self._reading = client.consumer(self._settings, committed=True)
            self._reading.assign([TopicPartition(topic, partition, first)])
        return self._reading

    def _consume(self, consumer: Any, until: tuple[str, int], limit: int) -> list[StoredRecord]:
        topic, end = until
        records: list[StoredRecord] = []
        moved = time.monotonic()
        while len(records) < limit and (not records or records[-1].offset + 1 < end):
            for message in consumer.consume(limit - len(records), timeout=0.02):
                error = message.error()
                if error is None:
                    records.append(_record(message))
                    moved, self._ended = time.monotonic(), False
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                    self._ended = True
                    if message.offset() >= end:
                        return records
                elif not passes(error):
                    raise translated(KafkaException(error), "reading the topic", topic)
            waited = time.monotonic() - moved
            if self._ended and waited > STABLE_SECONDS:
                return records  # the rest belongs to a transaction that is open
            if waited > READ_SECONDS:
                raise StoreError(
                    f"nothing came within {READ_SECONDS:.0f} s. Check the brokers.",
                    code="kafka.timeout",
                    place=topic,
                )
        return records


def _record(message: Any) -> StoredRecord:
    _, timestamp = message.timestamp()
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    return StoredRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp,
        message.key(),
        message.value(),
        headers,
    )
