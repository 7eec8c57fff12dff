"""Target: what a promotion asks the cluster. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from connectors_core.api.store import SchemaRow, StoredRecord
from connectors_core.app.promotion.source import by_connector
from connectors_core.app.storage import kafka_settings
from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.stores.cursor import scan
from connectors_core.stores.kafka import KafkaReader
from connectors_core.stores.kafka.limits import RECORD_OVERHEAD
from connectors_core.stores.kafka.topics import Topics


@dataclass(frozen=True, slots=True)
class Limits:
    """What a topic takes; None where it is not known before the topic is made. -1 is no limit."""

    record_bytes: int | None
    retention_ms: int | None
    before_ms: int | None
    after_ms: int | None
    policy: str
    own_time: bool
    """Whether the brokers write their own time into the records (LogAppendTime)."""

    @classmethod
    def of(cls, settings: Mapping[str, str | None]) -> Limits:
        """Read them from a topic's settings; an older broker has fewer."""
        most = _number(settings.get("max.message.bytes"))
        return cls(
            None if most is None else most - RECORD_OVERHEAD,
            _number(settings.get("retention.ms")),
            _number(settings.get("message.timestamp.before.max.ms")),
            _number(settings.get("message.timestamp.after.max.ms")),
            settings.get("cleanup.policy") or "delete",
            settings.get("message.timestamp.type") == "LogAppendTime",
        )


class Target(AbstractContextManager["Target"]):
    """Reads committed records, offsets and settings. One thread; calls block."""

    def __init__(self, kafka: KafkaPlace) -> None:
        self.settings = kafka_settings(kafka)
        self._topics = Topics(self.settings)
        self._reader = KafkaReader(self.settings)

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has, 0 if there is none of that name."""
        return self._topics.partitions(topic)

    def identity(self, topic: str) -> str:
        """Return the id that tells a topic from a later one of the same name."""
        return self._topics.identity(topic)

    def limits(self, topic: str) -> Limits:
        """Return what a topic takes."""
        return Limits.of(self._topics.configuration(topic))

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end."""
        return self._reader.bounds(topic)

    def holds(self, topic: str, partition: int, bounds: tuple[int, int]) -> bool:
        """Say whether there is a record within the bounds; aborted ones and Kafka's marks are none."""
        return any(True for _ in self.records(topic, partition, *bounds))

    def records(self, topic: str, partition: int, start: int, end: int) -> Iterator[StoredRecord]:
        """Give the committed records from `start` to before `end`, in order."""
        return scan(self._reader, topic, partition, start, end)

    def offsets(self) -> dict[str, dict[str, str]]:
        """Return all committed offsets by connector and partition key, read anew."""
        return by_connector(self._reader.offsets())

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        return self._reader.schemas()

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._topics.close()


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
