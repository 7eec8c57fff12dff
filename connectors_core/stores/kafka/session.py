"""Sessions: one producer, from the moment that fences its predecessors to its end.

A session that is suspect is never used for another transaction. librdkafka does not speak KIP-890,
so an EndTxn that was delayed on the way, after the client gave up waiting and tried again, can end
the *next* transaction of the same epoch; a new producer has a new epoch, and the broker refuses it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from confluent_kafka import KafkaError, KafkaException

from connectors_core.api.errors import StoreError, StoreUnreachable
from connectors_core.api.store import Headers, Row
from connectors_core.stores.kafka.client import producer
from connectors_core.stores.kafka.failure import kafka_error, refused, still_under_way
from connectors_core.stores.kafka.settings import (
    KafkaSettings,
    ProducerOptions,
    producer_properties,
)

log = logging.getLogger(__name__)
CONNECT_SECONDS = 2.0
INIT_SECONDS = 30.0
SLOW_SECONDS = 1.0
"""A commit that took longer may have left a request on its way."""
GRACE_SECONDS = 60.0
ABORT_SECONDS = 10.0
_GIVEN_UP = {"delivery.timeout.ms": 60_000}
"""Without a transaction's end to wait for, what waits for a record ends with it."""
_CALL_SECONDS = 5.0
_SUSPICIOUS = ("FAIL ", "REQTMOUT ", "TXNERR ")
"""Facilities of librdkafka's log: a connection was cut, a request timed out, a transaction failed.
`error_cb` is not called for the connection of a coordinator."""


_NOTHING_SENT = "in state CONNECT"
"""Of a broker that can't be reached at all: it would be a suspicion every second."""
_NOTHING: Mapping[str, Any] = {}
_BROKEN = {KafkaError._STATE, KafkaError._FATAL}  # noqa: SLF001 - public in all but name


class Session(ABC):
    """A producer that takes rows and remembers what failed.

    All calls are made by one thread at a time, and block.
    """

    fences: ClassVar[bool]
    """Whether a newer one makes the cluster refuse this one's commits."""
    suspect: str
    """Why it must not be used again; empty while it may."""

    def __init__(
        self, properties: dict[str, Any], name: str, seconds: float, batch_bytes: Callable[[], int]
    ) -> None:
        self.suspect = ""
        self._batch_bytes = batch_bytes
        self._batch = min(int(properties.get("batch.size", batch_bytes())), batch_bytes())
        properties = {**properties, "batch.size": self._batch}
        self.name = name
        self._seconds = seconds
        self._failures: list[tuple[str, Any]] = []
        self._producer = producer({**properties, "on_delivery": self._failed}, self._hear)

    @abstractmethod
    def begin(self) -> None:
        """Begin a commit."""

    @abstractmethod
    def acknowledged(self) -> None:
        """Wait until the rows so far are safe, if the commit alone would not make them so."""

    @abstractmethod
    def commit(self) -> None:
        """End the commit: all that was handed over is durable."""

    def produce(self, topic: str, partition: int, rows: Iterable[Row]) -> None:
        """Hand over rows; waits while the producer's queue is full.

        Raises DataError for one that is refused at once, StoreUnreachable if there is no room in
        time, and what broke the transaction if that is why it takes no more.
        """
        send = self._producer.produce
        try:
            for key, value, timestamp, headers in rows:
                more = _more(timestamp, headers) if timestamp is not None or headers else _NOTHING
                while True:
                    try:
                        send(topic, value, key, partition, **more)
                    except BufferError:
                        self._wait_for_room()
                    else:
                        break
        except KafkaException as error:
            self._explain(error, topic)
            raise
        finally:
            del send  # or a traceback would keep the producer and its threads

    @property
    def outgrown(self) -> bool:
        """Whether a topic is known by now that takes less than the batches may hold."""
        return self._batch > self._batch_bytes()

    def listen(self) -> None:
        """Hear what the client has to say by now."""
        self._producer.poll(0)

    def close(self) -> None:
        """Throw away what waits, and the producer: nobody else holds it, so it ends here.

        Its own `close` would flush and abort, without a limit in time.
        """
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def heed_failures(self) -> None:
        """Raise for the first record that a broker refused."""
        for topic, error in self._failures:
            if found := refused(error, topic):
                raise found

    def _explain(self, error: KafkaException, topic: str) -> None:
        """Raise what is behind an error of `produce`, if there is something behind it."""
        self._producer.poll(0)
        self.heed_failures()
        if found := refused(kafka_error(error), topic):
            raise found from error

    def _wait_for_room(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._producer.poll(0.1):
            if time.monotonic() > deadline:
                raise StoreUnreachable(
                    f"the brokers took nothing for {self._seconds:.0f} s. Check that enough replicas"
                    " are in sync.",
                    code="kafka.timeout",
                    place=self.name,
                )

    def _failed(self, error: Any, message: Any) -> None:
        # Never raises: an exception here would come out of a commit that has succeeded.
        if error is not None and len(self._failures) < 100:
            self._failures.append((message.topic(), error))

    def _hear(self, text: str) -> None:
        """Take a line of the client's log: the only place where a cut connection is told of."""
        if text.startswith(_SUSPICIOUS) and _NOTHING_SENT not in text and not self.suspect:
            self.suspect = text[:200]


def _more(timestamp: int | None, headers: Headers) -> dict[str, Any]:
    """Return what the client is told of a row beside its key and value."""
    more: dict[str, Any] = {} if timestamp is None else {"timestamp": timestamp}
    if headers:
        more["headers"] = list(headers)
    return more


class Transactions(Session):
    """Commits in transactions: exactly once."""

    fences: ClassVar[bool] = True

    def __init__(
        self,
        settings: KafkaSettings,
        options: ProducerOptions,
        slot: str,
        batch_bytes: Callable[[], int],
    ) -> None:
        properties = producer_properties(settings, options) | {
            "transactional.id": slot,
            "transaction.timeout.ms": settings.transaction_timeout_ms,
        }
        # The client refuses a producer whose requests may take longer than its transactions.
        longest = min(int(properties["socket.timeout.ms"]), settings.transaction_timeout_ms)
        properties["socket.timeout.ms"] = longest
        seconds = settings.transaction_timeout_ms / 1000
        super().__init__(properties, slot, seconds, batch_bytes)
        self._open = False
        # Fences every earlier producer of this id, ends its transaction, and waits for that.
        try:
            self._connect(settings.offsets_topic)
            self._call("init_transactions", INIT_SECONDS)
        except BaseException:
            super().close()  # or the traceback would keep a producer and its threads
            raise
        self._producer.poll(0)
        self.suspect = ""  # what went wrong before belongs to nobody's transaction

    def begin(self) -> None:
        """Begin a transaction."""
        self._failures.clear()
        self._producer.begin_transaction()
        self._open = True

    def acknowledged(self) -> None:
        """Nothing: the transaction's end waits for every record."""

    def _explain(self, error: KafkaException, topic: str) -> None:
        """Raise what is behind an error of `produce`: a transaction that broke takes nothing more."""
        super()._explain(error, topic)
        if kafka_error(error).code() in _BROKEN:
            self.commit()  # it can't succeed, and says what broke it

    def commit(self) -> None:
        """End the transaction. If this raises anything, it may be committed or not."""
        began = time.monotonic()
        # After a fatal error, or a commit still under way, abort would say "try again" for ever.
        self._open = False
        try:
            self._call("commit_transaction", self._seconds + GRACE_SECONDS)
        except KafkaException as error:
            self._open = kafka_error(error).txn_requires_abort()
            self.heed_failures()
            raise
        self._producer.poll(0)  # what the client's log has to say
        if time.monotonic() - began > SLOW_SECONDS and not self.suspect:
            self.suspect = f"a commit took {time.monotonic() - began:.1f} s"

    def close(self) -> None:
        """Abort what is open, as far as the cluster answers, and go."""
        if self._open and self._producer is not None:
            self._open = False
            try:
                self._call("abort_transaction", ABORT_SECONDS)
            except (KafkaException, StoreError) as error:
                # The successor's init_transactions aborts it; until then nobody sees it.
                log.debug("abort", extra={"slot": self.name, "error": str(error)})
        super().close()

    def _connect(self, topic: str) -> None:
        """Have a broker connected, or the client looks for a coordinator after half a second only.

        The first answer comes from the address that was given, and the client leaves that
        connection as soon as it knows the brokers by name; the second one comes from one of those.
        """
        with contextlib.suppress(KafkaException):  # init_transactions will say what is wrong
            for _ in range(2):
                self._producer.list_topics(topic, CONNECT_SECONDS)

    def _call(self, name: str, seconds: float) -> None:
        """Make a call until it is through: what is still under way must be called again.

        Raises the first error that is not of that kind; after a fatal one every later call would
        say "retriable" for ever. By its name, so that no traceback keeps a producer alive.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                getattr(self._producer, name)(min(_CALL_SECONDS, seconds))
            except KafkaException as error:
                if not still_under_way(error):
                    raise
                if time.monotonic() > deadline:
                    raise StoreUnreachable(
                        f"no answer from the transaction's coordinator in {seconds:.0f} s. Check the"
                        " brokers.",
                        code="kafka.timeout",
                        place=self.name,
                    ) from error
            else:
                return


class Acknowledgements(Session):
    """Commits without transactions: every record at least once."""

    fences: ClassVar[bool] = False

    def __init__(
        self,
        settings: KafkaSettings,
        options: ProducerOptions,
        slot: str,
        batch_bytes: Callable[[], int],
    ) -> None:
        properties = _GIVEN_UP | producer_properties(settings, options)
        seconds = float(properties["delivery.timeout.ms"]) / 1000
        super().__init__(properties, slot, seconds, batch_bytes)

    def begin(self) -> None:
        """Forget what failed before."""
        self._failures.clear()

    def acknowledged(self) -> None:
        """Wait until all in-sync replicas have every row; raises if one was not taken."""
        left = self._producer.flush(self._seconds + GRACE_SECONDS)
        self.heed_failures()
        if left or self._failures:
            raise StoreUnreachable(
                f"{left or len(self._failures)} records were not acknowledged"
                f"{': ' + self._failures[0][1].str() if self._failures else ''}. They are sent again.",
                code="kafka.unacknowledged",
                place=self.name,
            )

    def commit(self) -> None:
        """Wait for the offsets."""
        self.acknowledged()
