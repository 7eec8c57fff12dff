"""The slot of a connector on Kafka: its claim, its producer, and what it has committed."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from confluent_kafka import KafkaException

from connectors_core.api.errors import FencedError, OffsetError, PyconnectError, StoreUnreachable
from connectors_core.api.store import Transaction
from connectors_core.runtime.murmur2 import partition_for
from connectors_core.stores.kafka import position, schema_log
from connectors_core.stores.kafka.claim import Claim
from connectors_core.stores.kafka.cluster import Cluster
from connectors_core.stores.kafka.copies import PartitionState, StateCopies
from connectors_core.stores.kafka.failure import is_fenced, translated
from connectors_core.stores.kafka.session import Session
from connectors_core.stores.kafka.staged import Offsets, Rows, Staged
from connectors_core.stores.kafka.state import encoded as state_key

log = logging.getLogger(__name__)
LOOK_SECONDS = 10.0
CLAIM_SECONDS = 5.0
"""How often a producer that the cluster does not fence looks whether it is still the owner."""


class KafkaSlot:
    """One owner's right to commit. Its calls block; one thread makes them.

    A slot has the name of the connector that it serves. It can commit for others beside it.

    The order in which it starts is the guarantee: claim, fence (`init_transactions`), look whether
    the claim still holds, read the offsets to their end. With `anew`, topics may be others than those
    of the last owner; with `outlast`, an owner that nothing fences is waited for.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        crash: Callable[[str], None],
        *,
        anew: bool = False,
        outlast: bool = False,
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._crash = crash
        self._stages = cluster.exactly_once(name)
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._staged: Staged | None = None
        self._released = False
        self._certain: dict[tuple[str, str], str | None] = {}
        self._copies = StateCopies(cluster)
        self._claimed_at = 0.0
        self._looked_at = time.monotonic()
        with self._translating("taking the connector over"):
            older = cluster.claims.newest(name)
            known = older.topics if older is not None and not anew else ()
            self._claim = Claim.new(cluster.identities(name, known), cluster.exactly_once(name))
            if not anew:
                self._require_topics(older, self._claim.topics)
            cluster.claims.make(name, self._claim)
            crash("claim")
            if outlast and older is not None and not older.fences:
                time.sleep(CLAIM_SECONDS + 1.0)  # only its own look at the claims stops it
            self._renew()

    @property
    def stages(self) -> bool:
        """Whether it commits in transactions, which can begin early."""
        return self._stages

    def offsets(self, connector: str) -> dict[str, str]:
        """Return the committed offsets by partition key. After a failed commit, what is true now.

        The connector's keyed state can be read from then on.
        Raises FencedError if somebody took over, StoreError if the cluster can't be asked.
        """
        with self._lock, self._translating("reading the offsets"):
            self._usable()
            self._open_copy(connector)
            own = {key: at for (name, key), at in self._certain.items() if name == connector}
            return {k: at for k, at in {**self._stored(connector), **own}.items() if at is not None}

    def stage(self, transaction: Transaction) -> None:
        """Begin the next transaction with this, so that the brokers are at work by its end.

        A coordinator refuses a transaction that begins soon after the last one, and a client asks
        again only 20 ms later; a commit that begins early has that behind it.
        """
        with self._lock:
            session = self._session
            if session is None or session.suspect or not session.fences:
                return
            try:
                self._cluster.require_topics({topic for topic, _ in transaction.rows})
                self._begin(session)
                self._produce(session, transaction.rows)
                self._store_offsets(session, transaction.offsets)
                self._staged = Staged(transaction)
                self._crash("stage")
            except Exception as error:  # noqa: BLE001 - the commit does it again, and says it
                log.debug("staging", extra={"slot": self._name, "error": str(error)})
                self._end_session()

    def commit(self, transaction: Transaction) -> None:
        """Store it all in one transaction of Kafka, or nothing.

        Raises FencedError, DataError for a record that the brokers refuse, StoreError for
        anything else: then it may be stored or not, and the truth is what `offsets` returns.
        """
        with self._lock, self._translating("committing", transaction):
            session = self._ready_for(transaction)
            try:
                self._store(session, transaction)
            except BaseException as error:
                self._doubt(transaction, error)
                raise
            self._crash("committed")
            self._note(transaction)

    def state(self, connector: str, partition_key: str) -> PartitionState:
        """Return a reader of committed state; it asks no broker."""
        return PartitionState(partial(self._copies.of, connector), partition_key)

    def keys(self, connector: str) -> dict[str, list[str]]:
        """Return the keys of all keyed state of a connector by partition key."""
        with self._lock:
            self._open_copy(connector)
            copy = self._copies.of(connector)
            return {} if copy is None else copy.keys()

    def release(self) -> None:
        """Give the slot up. Idempotent."""
        with self._lock:
            self._released = True
            self._end_session()
            self._copies.close()

    # The session, and when it is another.

    def _ready_for(self, transaction: Transaction) -> Session:
        """Return the session for a commit; if there is none, nothing stays open, nor taken for seen."""
        try:
            if self._staged and not self._staged.begins(transaction):
                self._end_session()
            session = self._usable()
            self._cluster.require_topics({topic for topic, _ in transaction.rows})
            for connector, _ in transaction.state:
                self._open_state(connector)
        except BaseException:
            self._end_session()
            raise
        return session

    def _usable(self) -> Session:
        self._cluster.require_open()
        if self._released:
            raise FencedError("the slot was released; this owner stops.")
        if self._session is not None:
            self._session.listen()
        if self._session is None or self._session.suspect or self._session.outgrown:
            self._require_own_topics()
            return self._renew()
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look_at_topics()
        if not self._session.fences and time.monotonic() - self._claimed_at > CLAIM_SECONDS:
            self._check_claim()
        return self._session

    def _look_at_topics(self) -> None:
        """See whether a topic was made anew between two commits, which no commit would notice."""
        self._looked_at = time.monotonic()
        with contextlib.suppress(StoreUnreachable):
            self._require_own_topics()

    def _require_own_topics(self) -> None:
        there = self._cluster.identities(self._name, self._claim.topics)
        try:
            self._require_topics(self._claim, there)
        except OffsetError:
            self._check_claim()  # who has the connector now may have made them anew
            raise

    def _require_topics(self, of: Claim | None, there: Mapping[str, str]) -> None:
        """Never take a topic that was made anew for one that says there is nothing yet."""
        for topic, identity in of.topics.items() if of else ():
            if there.get(topic) != identity:
                raise OffsetError(
                    f"the topic is gone, was made anew, or has another number of partitions, since"
                    f" {self._name} ran last ({of}): its offsets or state can't be found. Restore the topic, or let the connector start from"
                    f" the beginning: pyconnect offsets reset {self._name}",
                    code="offset.lost",
                    place=topic,
                )

    def _check_claim(self) -> None:
        self._cluster.claims.check(self._name, self._claim)
        self._claimed_at = time.monotonic()

    def _renew(self) -> Session:
        """Make a producer with a new epoch, unless somebody else has made a claim.

        What a late request of the old one could still do is refused by the broker from here on.
        """
        self._end_session()
        self._check_claim()
        session = self._cluster.session(self._name)
        try:
            self._crash("fence")
            # Who claimed meanwhile was fenced just now: he has the claim, so this one yields.
            self._check_claim()
            self._cluster.offsets.catch_up()
            self._require_certain(session)
            self._copies.catch_up()
        except BaseException:
            session.close()
            raise
        self._session = session
        return session

    def _end_session(self) -> None:
        self._staged = None
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _require_certain(self, session: Session) -> None:
        """Never go back behind what this owner has seen committed (invariant 2)."""
        if not session.fences:
            self._certain.clear()  # an older owner may have gone on for some seconds
        stored = {name: self._stored(name) for name in {name for name, _ in self._certain}}
        for (connector, partition), offset in self._certain.items():
            found = stored[connector].get(partition)
            if found != offset:
                raise OffsetError(
                    f"the offset of {connector} {partition} is {found}, but {offset} was committed:"
                    " somebody else changed it, or the topic has lost data.",
                    code="offset.lost",
                    place=self._cluster.settings.offsets_topic,
                )

    def _doubt(self, transaction: Transaction, error: BaseException) -> None:
        """After a commit that failed nothing is known of it, and its producer is of no more use."""
        for place in transaction.offsets:
            self._certain.pop(place, None)
        self._cluster.doubt_topics({topic for topic, _ in transaction.rows})
        self._end_session()
        if is_fenced(error):
            # The error does not tell a successor from a transaction that took too long.
            self._check_claim()

    # What is stored.

    def _stored(self, connector: str) -> dict[str, str]:
        found = self._cluster.offsets.group(connector)
        return {partition: value.decode("utf-8", "replace") for partition, value in found.items()}

    def _store(self, session: Session, transaction: Transaction) -> None:
        staged, self._staged = self._staged, None
        if staged is None:
            self._begin(session)
        for row in transaction.schemas:
            key, value = schema_log.encoded(row)
            session.produce(self._cluster.settings.schemas_topic, 0, [(key, value, None, ())])
        self._produce(session, staged.rest(transaction.rows) if staged else transaction.rows)
        self._crash("write")
        session.acknowledged()
        self._store_state(session, transaction)
        session.acknowledged()
        # Invariant 2: the offsets move in the transaction of their records.
        self._store_offsets(
            session, staged.moved(transaction.offsets) if staged else transaction.offsets
        )
        self._crash("offset")
        self._crash("commit")
        session.commit()

    def _begin(self, session: Session) -> None:
        self._crash("begin")
        session.begin()

    def _produce(self, session: Session, rows: Rows) -> None:
        for (topic, partition), those in rows.items():
            session.produce(topic, partition, those)

    def _store_state(self, session: Session, transaction: Transaction) -> None:
        for (connector, partition), values in transaction.state.items():
            topic = self._cluster.settings.state_topic(connector)
            for name, text in values.items():
                value = None if text is None else text.encode()
                key = state_key(connector, partition, name)
                session.produce(topic, 0, [(key, value, None, ())])

    def _store_offsets(self, session: Session, offsets: Offsets) -> None:
        topic, partitions = self._cluster.settings.offsets_topic, self._cluster.offsets_partitions
        for (connector, partition), offset in offsets.items():
            key = position.encoded(connector, partition)
            value = None if offset is None else offset.encode()
            session.produce(topic, partition_for(key, partitions), [(key, value, None, ())])

    def _note(self, transaction: Transaction) -> None:
        self._certain.update(transaction.offsets)
        for (connector, partition), values in transaction.state.items():
            changes = [(partition, key, text) for key, text in values.items()]
            self._copies.apply(connector, changes)

    def _open_copy(self, connector: str) -> None:
        """Open the copy of a connector's state if it has some, as it must have if the claim says so."""
        topic = self._cluster.settings.state_topic(connector)
        if not self._copies.open(connector, make=False) and topic in self._claim.topics:
            self._copies.require(connector)

    def _open_state(self, connector: str) -> None:
        """Let a connector have state: its topic, its copy, and the topic's id in the claim."""
        self._copies.open(connector, make=True)
        topic = self._cluster.settings.state_topic(connector)
        if connector == self._name and topic not in self._claim.topics:
            topics = self._cluster.identities(connector, (*self._claim.topics, topic))
            self._check_claim()  # never claim again what somebody else has claimed
            claim = replace(self._claim, topics=topics)
            self._cluster.claims.make(connector, claim)
            self._claim = claim
            self._check_claim()

    @contextlib.contextmanager
    def _translating(self, doing: str, transaction: Transaction | None = None) -> Iterator[None]:
        try:
            yield
        except PyconnectError:
            raise
        except KafkaException as error:
            # The client does not say which of its topics a transaction may not write to.
            topics = {topic for topic, _ in transaction.rows} if transaction else ()
            into = f" into {', '.join(sorted(topics))}" if topics else ""
            raise translated(error, f"{doing}{into}", self._name) from error
