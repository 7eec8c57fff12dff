"""KafkaStore: the log on a cluster, as the engine knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import CommitPace, SchemaRow, TopicLimits, TopicSpec, Transaction
from connectors_core.stores.kafka import schema_log
from connectors_core.stores.kafka.cluster import Cluster
from connectors_core.stores.kafka.reader import KafkaReader
from connectors_core.stores.kafka.settings import KafkaSettings, ProducerOptions
from connectors_core.stores.kafka.slot import KafkaSlot
from connectors_core.stores.names import check_canonical, partitions_of, retention_of


def nothing(point: str) -> None:
    """Crash nowhere."""


class KafkaStore:
    """One slot a connector; its name is the connector's transactional id.

    `data_dir` holds the local copies of keyed state. `producers` says what connectors want of
    their own producer. `crash` is called at `claim` and `fence` of a take-over, at `stage`, and at
    `begin`, `write`, `offset`, `commit` and `committed` of every commit. Raises StoreError
    `kafka.unreachable`.
    """

    pace = CommitPace(linger=0.05, records=10_000, bytes=4 << 20)

    def __init__(
        self,
        settings: KafkaSettings,
        data_dir: Path,
        producers: Mapping[str, ProducerOptions] | None = None,
        crash: Callable[[str], None] = nothing,
    ) -> None:
        self._settings = settings
        self._cluster = Cluster(settings, data_dir, producers or {})
        self._crash = crash

    def slot_name(self, connector: str) -> str:
        """Return the name of the slot in which this connector commits."""
        return self._settings.slot_name(connector)

    def acquire(self, slot: str) -> KafkaSlot:
        """Become the owner of a slot and fence every earlier one. Blocking."""
        prefix = self._settings.slot_name("")
        return KafkaSlot(self._cluster, slot.removeprefix(prefix), self._crash)

    def ensure_topics(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the number of partitions of each. Blocking."""
        wanted = list(specs)
        for spec in wanted:
            partitions_of(spec)
            retention_of(spec)
            if self._settings.internal(spec.name):
                raise ConfigError(
                    "is a topic of pyconnect's or Kafka's own. Name another one.",
                    code="config.topic",
                    place=spec.name,
                )
        return self._cluster.topics.ensure(wanted)

    def limits(self, topic: str) -> TopicLimits:
        """Return what the brokers take as a record of a topic, with a margin for their clocks."""
        return self._cluster.topics.limits(topic)

    def schemas(self) -> list[SchemaRow]:
        """Return what the embedded registry has committed."""
        self._cluster.schemas.catch_up()
        return schema_log.rows(self._cluster.schemas.groups())

    def reset(self, connector: str, partition_key: str | None = None) -> int:
        """Remove offsets and keyed state together; return how many offsets.

        Takes the connector over, so that a worker that runs it stops as FENCED.
        """
        whole = partition_key is None
        slot = KafkaSlot(self._cluster, connector, self._crash, anew=whole, outlast=True)
        try:
            offsets, keys = slot.offsets(connector), slot.keys(connector)
            chosen = [key for key in {*offsets, *keys} if partition_key in (None, key)]
            slot.commit(
                Transaction(
                    offsets={(connector, key): None for key in chosen},
                    # Of those that have some: a commit makes the topic that it is said to need.
                    state={
                        (connector, key): dict.fromkeys(keys[key]) for key in chosen if key in keys
                    },
                )
            )
            return sum(key in offsets for key in chosen)
        finally:
            slot.release()

    def set_offset(self, connector: str, partition_key: str, offset: str) -> None:
        """Replace one offset (canonical JSON); keyed state stays. Takes the connector over."""
        check_canonical(partition_key, "partition")
        check_canonical(offset, "offset")
        slot = KafkaSlot(self._cluster, connector, self._crash, outlast=True)
        try:
            slot.commit(Transaction(offsets={(connector, partition_key): offset}))
        finally:
            slot.release()

    def reader(self) -> KafkaReader:
        """Open a reader."""
        return KafkaReader(self._settings)

    def close(self) -> None:
        """Let go of connections; what is under way is ended by its slot. Idempotent."""
        self._cluster.close()
