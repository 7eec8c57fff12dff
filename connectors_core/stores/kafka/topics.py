"""Topics: found, made when they are missing, and refused when they would lose offsets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    ClusterMetadata,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from connectors_core.api.errors import ConfigError, PyconnectError, StoreUnreachable
from connectors_core.api.store import TopicLimits, TopicSpec
from connectors_core.stores.kafka.client import admin
from connectors_core.stores.kafka.compaction import COMPACTED, require_kept
from connectors_core.stores.kafka.failure import SILENT, kafka_error, translated
from connectors_core.stores.kafka.limits import limits_of
from connectors_core.stores.kafka.refusal import Refusal
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.names import check_topic, unknown_topic

T = TypeVar("T")
ANSWER_SECONDS = 10.0
SOON_SECONDS = 3.0
TRY_SECONDS = 5.0
MADE_SECONDS = 30.0
BATCH_BYTES = 1_000_000
"""librdkafka's default of batch.size, a little below the brokers' of max.message.bytes."""


class Topics:
    """The topics of a cluster. Blocking; any thread."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self._client: Any = None
        self._refusal = Refusal()
        self._answered = False
        self._known: dict[str, int] = {}
        self._limits: dict[str, TopicLimits] = {}
        self._lock = threading.Lock()

    def metadata(self) -> ClusterMetadata:
        """Ask the cluster what it has. Raises StoreUnreachable `kafka.unreachable`.

        ConfigError `kafka.refused` if it let nobody in from the start.
        """
        try:
            found = self._ask()
        except KafkaException as error:
            fault = kafka_error(error)
            if fault is not None and fault.code() not in SILENT:
                raise translated(error, "asking the cluster", self.settings.address) from error
            raise self._silence() from error
        self._answered = True
        self._refusal.forget()
        return found

    def _ask(self) -> ClusterMetadata:
        seconds = ANSWER_SECONDS
        if not self._answered:
            # A wrong password is known soon; a client would try it again until the time is over.
            try:
                soon: ClusterMetadata = self._admin().list_topics(timeout=SOON_SECONDS)
                return soon
            except KafkaException:
                if self._refused():
                    raise
                seconds -= SOON_SECONDS
        found: ClusterMetadata = self._admin().list_topics(timeout=seconds)
        return found

    def _refused(self) -> str:
        self._admin().poll(0)  # what the connections have to say
        return self._refusal.text()

    def _silence(self) -> PyconnectError:
        """Return what it means that nobody answered."""
        if refused := self._refused():
            # Brokers that start say such things too, so it is a mistake only at our own start.
            kind = StoreUnreachable if self._answered else ConfigError
            return kind(refused, code="kafka.refused", place=self.settings.address)
        return StoreUnreachable(
            f"no broker answered within {ANSWER_SECONDS:.0f} s. Check the addresses, that the"
            " cluster runs, and security.protocol with what belongs to it.",
            code="kafka.unreachable",
            place=self.settings.address,
        )

    def all(self) -> dict[str, TopicMetadata]:
        """Return every topic by name."""
        return dict(sorted(self.metadata().topics.items()))

    def one(self, name: str) -> TopicMetadata:
        """Return one topic. Raises ConfigError with the nearest names."""
        topics = self.all()
        if name not in topics:
            shown = [topic for topic in topics if not self.settings.internal(topic)]
            raise unknown_topic(name, shown)
        return topics[name]

    def partitions(self, name: str) -> int:
        """Return how many partitions a topic has, 0 if there is none of that name."""
        found = self.all().get(name)
        return 0 if found is None else len(found.partitions)

    def ensure(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the partitions of each.

        -1 leaves a number to the broker. Raises ConfigError for a setting that it refuses.
        """
        wanted = {spec.name: spec for spec in specs}
        with self._lock:
            if missing := [wanted[name] for name in wanted if name not in self._known]:
                self._find_or_make(missing)
            return {name: self._known[name] for name in wanted}

    def ensure_compacted(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Make topics that keep the newest value of each key; return the partitions of each.

        `wanted` has how many to make. Raises ConfigError for one that would lose what must be kept,
        before anything is made.
        """
        there = wanted.keys() & self.all().keys()
        for name in sorted(there):
            require_kept(name, self.configuration(name))
        counts = self.ensure(TopicSpec(*each, settings=COMPACTED) for each in wanted.items())
        for name in sorted(wanted.keys() - there):
            require_kept(name, self.configuration(name))  # somebody else may have made it meanwhile
        return counts

    def configuration(self, topic: str) -> dict[str, str]:
        """Return all settings of a topic, as they hold there."""
        resource = ConfigResource(ResourceType.TOPIC, topic)

        def ask() -> dict[str, str]:
            found = self._admin().describe_configs([resource], request_timeout=TRY_SECONDS)
            return {name: str(entry.value) for name, entry in found[resource].result().items()}

        return self._asked(ask, "reading the topic's settings", topic)

    def batch_bytes(self) -> int:
        """Return how large a batch of records may be: a topic that takes less refuses it whole."""
        return min([BATCH_BYTES, *(each.record_bytes for each in list(self._limits.values()))])

    def limits(self, topic: str) -> TopicLimits:
        """Return what a topic takes as a record; asked once."""
        if topic not in self._limits:
            self._limits[topic] = limits_of(self.configuration(topic))
        return self._limits[topic]

    def settings_of(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the settings that topics have of their own, by topic."""
        resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
        if not resources:
            return {}

        def ask() -> dict[str, dict[str, str]]:
            found = self._admin().describe_configs(resources, request_timeout=TRY_SECONDS)
            return {resource.name: _own(future) for resource, future in found.items()}

        return self._asked(ask, "reading the settings of topics", self.settings.address)

    def identity(self, topic: str) -> str:
        """Return the id that tells a topic from a later one of the same name."""

        def ask() -> str:
            found = self._admin().describe_topics(
                TopicCollection([topic]), request_timeout=TRY_SECONDS
            )
            return str(found[topic].result().topic_id)

        return self._asked(ask, "describing the topic", topic)

    def delete(self, names: Iterable[str]) -> None:
        """Delete topics with all that they hold; one that is gone already is no error."""
        wanted = sorted(names)
        if not wanted:
            return

        def ask() -> None:
            futures = self._admin().delete_topics(wanted, request_timeout=TRY_SECONDS)
            for future in futures.values():
                try:
                    future.result()
                except KafkaException as error:
                    _unless_gone(error)

        self._asked(ask, "deleting the topics", ", ".join(wanted))

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        self._client = None

    def _admin(self) -> Any:
        if self._client is None:
            self._client = admin(self.settings, self._refusal.hear)
        return self._client

    def _asked(self, ask: Callable[[], T], doing: str, place: str) -> T:
        """Ask until it is answered: a broker may be gone, or not have heard yet of a new topic.

        The client asks the broker that its metadata call the controller (in KRaft any one), and
        waits for that one though it be dead; so it gets newer metadata before it asks again.
        """
        deadline = time.monotonic() + MADE_SECONDS
        while True:
            try:
                return ask()
            except KafkaException as error:
                found = kafka_error(error)
                passing = found is not None and found.code() in _PASSING
                if not passing or time.monotonic() > deadline:
                    raise translated(error, doing, place) from error
            time.sleep(0.05)
            with contextlib.suppress(KafkaException):
                self._admin().list_topics(timeout=SOON_SECONDS)

    def _find_or_make(self, specs: list[TopicSpec]) -> None:
        there: Mapping[str, TopicMetadata] = self.all()
        missing = [spec for spec in specs if spec.name not in there]
        for spec in missing:
            check_topic(spec.name)
        if missing:
            self._make(missing)
            there = self._appeared([spec.name for spec in missing])
        self._known |= {spec.name: len(there[spec.name].partitions) for spec in specs}

    def _make(self, specs: list[TopicSpec]) -> None:
        made = [
            NewTopic(
                spec.name, spec.partitions, spec.replication_factor, config=dict(spec.settings)
            )
            for spec in specs
        ]

        def ask() -> None:
            futures = self._admin().create_topics(made, request_timeout=TRY_SECONDS)
            for name, future in futures.items():
                try:
                    future.result()
                except KafkaException as error:
                    _unless_there(error, name)

        self._asked(ask, "making the topic", ", ".join(spec.name for spec in specs))

    def _appeared(self, names: list[str]) -> Mapping[str, TopicMetadata]:
        """Wait until every partition of the new topics has a leader."""
        deadline = time.monotonic() + MADE_SECONDS
        while True:
            there = self.all()
            if all(name in there and _led(there[name]) for name in names):
                return there
            if time.monotonic() > deadline:
                raise StoreUnreachable(
                    f"made, but without a leader after {MADE_SECONDS:.0f} s. Check the brokers.",
                    code="kafka.no-leader",
                    place=", ".join(names),
                )
            time.sleep(0.05)


_PASSING = SILENT | {
    KafkaError.NOT_CONTROLLER,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}


def _own(future: Any) -> dict[str, str]:
    try:
        entries = future.result().values()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}  # deleted since it was listed
        raise
    return {one.name: one.value for one in entries if one.source == _DYNAMIC_TOPIC_CONFIG}


_DYNAMIC_TOPIC_CONFIG = 1
"""Where a setting comes from, in Kafka's protocol (DescribeConfigs): set on the topic itself."""


def _led(topic: Any) -> bool:
    return bool(topic.partitions) and all(one.leader >= 0 for one in topic.partitions.values())


def _unless_gone(error: KafkaException) -> None:
    """Let pass that a topic is not there; raise what else kept it from being deleted."""
    found = kafka_error(error)
    if found is None or found.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise error


def _unless_there(error: KafkaException, name: str) -> None:
    """Let pass that another worker was faster, or we; raise what else kept a topic from being made."""
    found = kafka_error(error)
    if found is not None and found.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return
    if found is not None and found.code() in _SETTINGS:
        raise ConfigError(
            f"the broker refuses to make the topic: {found.str()}. Change topic.creation.*.",
            code="config.topic",
            place=name,
        ) from error
    raise error


_SETTINGS = frozenset(
    {
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_REPLICA_ASSIGNMENT,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.POLICY_VIOLATION,
    }
)
