"""Plot: the piece of a log that one worker after the other writes to, and what is stored there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import LogReader, StoredRecord, TopicSpec
from connectors_core.app.storage import open_reader
from connectors_core.configs.worker.place import KafkaPlace, LogPlace
from connectors_core.testing.driver.compare import record_text
from connectors_core.testing.driver.ledger import CONNECTOR
from connectors_core.testing.kills.witness import HEADER, witnessed

REASON = "__connect.errors.exception.message"


@dataclass(frozen=True, slots=True)
class Plot:
    """Whose it is, what its topics are called, and where in them it begins, by topic.

    `folder` is the worker's data directory; the log is there too, unless it is on `kafka`.
    """

    folder: str
    kafka: KafkaPlace | None = None
    connector: str = CONNECTOR
    topic: str = CONNECTOR
    since: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Plot:
        """Return the plot that `asdict` made this of."""
        kafka = found["kafka"]
        return cls(**{**found, "kafka": kafka and KafkaPlace(**kafka)})

    @property
    def place(self) -> LogPlace:
        """Where the log is."""
        return LogPlace(Path(self.folder), self.kafka)

    @property
    def dead_letters(self) -> TopicSpec:
        """The topic of what can't be delivered."""
        return self._spec(f"{self.topic}-dlq")

    def topics(self, names: Iterable[str]) -> dict[str | None, TopicSpec]:
        """Return the topics of a source that names these beside its default one."""
        found: dict[str | None, TopicSpec] = {None: self._spec(self.topic)}
        return found | {name: self._spec(f"{self.topic}.{name}") for name in names}

    def _spec(self, name: str) -> TopicSpec:
        # A fake upstream has times of other years, which brokers refuse, or delete at once.
        settings = {"message.timestamp.type": "LogAppendTime"} if self.kafka else {}
        return TopicSpec(name, 1, settings=settings)


class Harvest:
    """What is stored on a plot.

    `records` has the texts of the records by source partition and topic, in the order of the log;
    `rejects` the reasons and bytes of the dead letters, and `ends` is where each topic ends.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.rejects: list[tuple[str, bytes]] = []
        self.ends: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How many records there are, dead letters not among them."""
        return sum(map(len, self.records.values()))

    def add(self, topic: str | None, record: StoredRecord) -> None:
        """Take a record of a logical topic."""
        place = dict(record.headers)[HEADER].decode()
        text = record_text(topic, witnessed(record.key), witnessed(record.value))
        self.records.setdefault((place, topic or ""), []).append(text)

    def add_dead(self, record: StoredRecord) -> None:
        """Take a dead letter."""
        reason = dict(record.headers).get(REASON, b"").decode("utf-8", "replace")
        self.rejects.append((reason, record.value or b""))


def harvest(plot: Plot, names: Iterable[str]) -> Harvest:
    """Read what a source that names these topics has stored. Blocking; raises StoreError."""
    found = Harvest()
    reader = open_reader(plot.place)
    try:
        for name, spec in plot.topics(names).items():
            for record in _read(reader, plot, spec.name, found):
                found.add(name, record)
        for record in _read(reader, plot, plot.dead_letters.name, found):
            found.add_dead(record)
    finally:
        reader.close()
    return found


def _read(reader: LogReader, plot: Plot, topic: str, found: Harvest) -> list[StoredRecord]:
    try:
        _, end = reader.bounds(topic)[0]
    except ConfigError as error:
        if error.code != "config.topic":
            raise
        return []  # no worker lived until it was made
    found.ends[topic] = end
    start = plot.since.get(topic, 0)
    return reader.read(topic, 0, start, end - start) if end > start else []
