"""Cluster: what the slots of one worker share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors_core.api.errors import StoreError
from connectors_core.api.store import TopicSpec
from connectors_core.stores.kafka import claim, position, schema_log
from connectors_core.stores.kafka.claim import Claims
from connectors_core.stores.kafka.publisher import Publisher
from connectors_core.stores.kafka.session import Acknowledgements, Session, Transactions
from connectors_core.stores.kafka.settings import KafkaSettings, ProducerOptions
from connectors_core.stores.kafka.state import StateCopy
from connectors_core.stores.kafka.table import Table
from connectors_core.stores.kafka.topics import Topics

HEARD_SECONDS = 10.0
OFFSETS_PARTITIONS = 25
"""As Kafka Connect's offset.storage.partitions."""


class Cluster:
    """Pyconnect's own topics, made if they are missing, and what is known of them.

    Blocking. Raises StoreError `kafka.unreachable`, ConfigError for a topic that would lose offsets.
    """

    def __init__(
        self, settings: KafkaSettings, data_dir: Path, producers: Mapping[str, ProducerOptions]
    ) -> None:
        self.settings = settings
        self.topics = Topics(settings)
        self._data_dir = data_dir
        self._producers = producers
        self._known: set[str] = set()
        self._doubted: set[str] = set()
        self._closed = False
        self._offsets_identity = ""
        own = self._own_topics()
        self.offsets = Table(
            settings, settings.offsets_topic, own[settings.offsets_topic], position.split_key
        )
        self.offsets_partitions = own[settings.offsets_topic]
        self.schemas = Table(settings, settings.schemas_topic, 1, schema_log.split_key)
        self.claims = Claims(
            Publisher(settings, settings.claims_topic),
            Table(settings, settings.claims_topic, 1, claim.split_key),
            settings.slot_name,
        )

    def _own_topics(self) -> dict[str, int]:
        """Make what is missing of our own topics; return the partitions of each."""
        settings = self.settings
        wanted = {
            settings.offsets_topic: OFFSETS_PARTITIONS,
            settings.claims_topic: 1,
            settings.schemas_topic: 1,
        }
        try:
            return self.topics.ensure_compacted(wanted)
        except BaseException:
            self.topics.close()  # or the traceback would keep a client and its threads
            raise

    def session(self, connector: str) -> Session:
        """Return a new producer for a connector; it has fenced every earlier one."""
        options = self._producers.get(connector, ProducerOptions())
        slot = self.settings.slot_name(connector)
        session = Transactions(self.settings, options, slot, self.topics.batch_bytes)
        if options.exactly_once:
            return session
        session.close()  # it has fenced an older owner that writes in transactions
        return Acknowledgements(self.settings, options, slot, self.topics.batch_bytes)

    def exactly_once(self, connector: str) -> bool:
        """Say whether a connector commits in transactions."""
        return self._producers.get(connector, ProducerOptions()).exactly_once

    def identities(self, connector: str, known: Iterable[str] = ()) -> dict[str, str]:
        """Tell the topics that a connector's resuming rests on from later ones, as far as there are any.

        By id and number of partitions: with another number, keys lie elsewhere. Topics that are
        `known` are looked for a while, because a broker that starts may not have heard of them yet.
        """
        deadline = time.monotonic() + HEARD_SECONDS
        while not (there := self.topics.all()).keys() >= set(known):
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        names = (self.settings.offsets_topic, self.settings.state_topic(connector))
        found = {
            name: f"{self.topics.identity(name)}/{len(there[name].partitions)}"
            for name in names
            if name in there
        }
        self._recognise(found.get(self.settings.offsets_topic, ""))
        return found

    def _recognise(self, offsets: str) -> None:
        """See whether the offsets topic is the one of which the offsets were read."""
        if offsets and offsets != self._offsets_identity:
            self.offsets.forget()
            self._offsets_identity = offsets

    def require_topics(self, names: set[str]) -> None:
        """Make sure that topics are there: a producer waits 30 s for one that is not."""
        self._require_doubted(names & self._doubted)
        missing = names - self._known
        if missing:
            self.topics.ensure(TopicSpec(name) for name in sorted(missing))
            self._known |= missing

    def doubt_topics(self, names: set[str]) -> None:
        """Hear of a commit that failed: look whether its topics are still there before the next."""
        self._doubted |= names & self._known

    def _require_doubted(self, names: set[str]) -> None:
        there = self.topics.all() if names else {}
        for name in sorted(names):
            if name not in there:
                raise StoreError(
                    "the topic was deleted while connectors write to it. Make it again with as many"
                    " partitions, or restart the worker, which makes it.",
                    code="kafka.no-topic",
                    place=name,
                )
            before, now = self.topics.ensure([TopicSpec(name)])[name], len(there[name].partitions)
            if now < before:
                raise StoreError(
                    f"the topic has {now} partitions now, and had {before} when this worker began to"
                    " write to it. Restart the worker, which then keeps to those.",
                    code="kafka.partitions",
                    place=name,
                )
        self._doubted -= names

    def state(self, connector: str, *, make: bool) -> StateCopy | None:
        """Open the copy of a connector's state; None if it has none, and `make` is not said."""
        topic = self.settings.state_topic(connector)
        if not make and not self.topics.partitions(topic):
            return None
        self.topics.ensure_compacted({topic: 1})
        identity = f"{topic} {self.topics.identity(topic)}"
        return StateCopy(self._data_dir / "state" / f"{connector}.db", identity)

    def require_open(self) -> None:
        """Raise StoreError after `close`."""
        if self._closed:
            raise StoreError(
                "the store is closed.", code="store.closed", place=self.settings.address
            )

    def close(self) -> None:
        """Let go of connections; slots that are left commit nothing more. Idempotent."""
        self._closed = True
        self.claims.close()
        self.topics.close()
