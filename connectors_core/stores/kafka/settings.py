"""What a worker is told of its cluster, and the properties of the clients that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MESSAGE_BYTES = 64 << 20
"""message.max.bytes of a producer: the topic's own max.message.bytes is what counts."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """A cluster, and the names of pyconnect's own topics on it.

    `client` has librdkafka's properties, `bootstrap.servers` among them; they go to every client.
    It may hold secrets, so it is not shown.
    """

    client: Mapping[str, str] = field(repr=False)
    offsets_topic: str = "pyconnect-offsets"
    claims_topic: str = "pyconnect-claims"
    schemas_topic: str = "pyconnect-schemas"
    transaction_timeout_ms: int = 60_000

    @property
    def address(self) -> str:
        """The brokers that are asked first, for errors."""
        return self.client.get("bootstrap.servers", "")

    def state_topic(self, connector: str) -> str:
        """Return the name of the topic that holds a connector's keyed state."""
        return f"{self.offsets_topic}-state-{connector}"

    def slot_name(self, connector: str) -> str:
        """Return the transactional id of a connector: whoever starts with it fences the others."""
        return f"{self.offsets_topic}-{connector}"

    def internal(self, topic: str) -> bool:
        """Say whether a topic is pyconnect's or Kafka's own, not one of records."""
        own = (self.offsets_topic, self.claims_topic, self.schemas_topic)
        return topic in own or topic.startswith(("__", f"{self.offsets_topic}-state-"))


@dataclass(frozen=True, slots=True)
class ProducerOptions:
    """What a connector says of its own producer. `overrides` are librdkafka's properties."""

    exactly_once: bool = True
    overrides: Mapping[str, str] = field(default_factory=dict)


def client_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client is made with; what the worker's file says goes before."""
    return {
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.max.ms": 1_000,  # the default, 10 s, is how late a client comes back
        "log.connection.close": True,  # a cut connection is a suspicion, see `session`
        **settings.client,
    }


def producer_properties(settings: KafkaSettings, options: ProducerOptions) -> dict[str, Any]:
    """Return what a producer that loses, doubles and reorders nothing is made with."""
    return {
        "linger.ms": 5,
        "compression.type": "lz4",  # see decision 0017
        # Room for a whole commit; more waits in the slot, not here (invariant 8).
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 32_768,
        "message.max.bytes": MESSAGE_BYTES,
        **client_properties(settings),
        **options.overrides,
        "enable.idempotence": True,
        "acks": "all",
        # More, and records can vanish behind a commit that succeeds: see decision 0011.
        "max.in.flight.requests.per.connection": 1,
        "delivery.report.only.error": True,
    }


def consumer_properties(settings: KafkaSettings, *, committed: bool) -> dict[str, Any]:
    """Return what a reader is made with. It joins no group, and commits nothing."""
    return {
        "queued.max.messages.kbytes": 8_192,
        "fetch.wait.max.ms": 10,
        **client_properties(settings),
        "group.id": "pyconnect-reader",
        "isolation.level": "read_committed" if committed else "read_uncommitted",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": committed,
        "auto.offset.reset": "earliest",
    }
