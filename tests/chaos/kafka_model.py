"""A model of the brokers, in memory, for owners that take turns one broker call at a time.

What of Kafka it keeps: one claim that is newest, one epoch of a transactional id that is newest,
and a commit of an older epoch that is refused. Each owner is a thread that stands still at every
call, until the test says that it may go on to the next.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from confluent_kafka import KafkaError, KafkaException

from connectors_core.api.errors import FencedError, StoreError
from connectors_core.api.store import Transaction
from connectors_core.stores.kafka import KafkaSettings
from connectors_core.stores.kafka.claim import Claims
from connectors_core.stores.kafka.slot import KafkaSlot

CONNECTOR, PARTITION = "c", "{}"
SECONDS = 10.0


class Brokers:
    """What is durable. `commits` has the numbers in the order in which they became so."""

    def __init__(self) -> None:
        self.claim = b""
        self.claimants: list[Owner] = []
        self.epoch = 0
        self.commits: list[int] = []

    def commit(self, epoch: int, number: int) -> None:
        """Take a commit of the newest epoch, refuse any other; one that reads twice is a fault."""
        if epoch != self.epoch:
            raise KafkaException(KafkaError(KafkaError._FENCED))
        assert number == len(self.commits) + 1, f"{number} was committed after {self.commits}"
        self.commits.append(number)


class ModelSession:
    """A producer of the model."""

    fences: ClassVar[bool] = True

    def __init__(self, owner: Owner) -> None:
        self.suspect = ""
        self._owner = owner
        self._value: bytes | None = None
        owner.brokers.epoch += 1
        self._epoch = owner.brokers.epoch

    @property
    def outgrown(self) -> bool:
        return False

    def listen(self) -> None:
        """It has nothing to say."""

    def begin(self) -> None:
        self._owner.step()

    def produce(self, topic: str, partition: int, rows: Any) -> None:
        for row in rows:
            self._value = row[1]

    def acknowledged(self) -> None:
        self._owner.step()

    def commit(self) -> None:
        self._owner.step()
        self._owner.brokers.commit(self._epoch, json.loads(self._value or b"")["n"])
        if self._owner.loses_reply:
            self._owner.loses_reply = False
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def close(self) -> None:
        """Nothing is held."""


class ModelTable:
    """A table of one value, read when it is told to catch up."""

    def __init__(self, owner: Owner, name: str, look: Callable[[], bytes | None]) -> None:
        self._owner, self._name, self._look = owner, name, look
        self._seen: bytes | None = None

    def catch_up(self) -> None:
        self._owner.step()
        self._seen = self._look()

    def group(self, connector: str) -> dict[str, bytes]:
        return {} if self._seen is None else {self._name: self._seen}


class ModelCluster:
    """What a slot asks of its cluster, the publisher of claims included."""

    def __init__(self, owner: Owner) -> None:
        brokers = owner.brokers
        self.settings = KafkaSettings({})
        self.offsets_partitions = 1
        self._owner = owner
        self.offsets = ModelTable(owner, PARTITION, lambda: offset(len(brokers.commits)))
        table = ModelTable(owner, "", lambda: brokers.claim)
        self.claims = Claims(self, table, self.settings.slot_name)  # type: ignore[arg-type]

    def publish(self, key: bytes, value: bytes) -> None:
        self._owner.step()
        self._owner.brokers.claim = value
        self._owner.brokers.claimants.append(self._owner)

    def session(self, connector: str) -> ModelSession:
        self._owner.step()
        return ModelSession(self._owner)

    def exactly_once(self, connector: str) -> bool:
        return True

    def identities(self, connector: str, *known: object) -> Mapping[str, str]:
        return {}

    def state(self, connector: str, *, make: bool) -> None:
        return None

    def require_open(self) -> None:
        """It is."""

    def require_topics(self, names: set[str]) -> None:
        """They are there."""

    def doubt_topics(self, names: set[str]) -> None:
        """They stay."""


def offset(number: int) -> bytes | None:
    """Return the stored offset after so many commits."""
    return f'{{"n":{number}}}'.encode() if number else None


class Owner:
    """One worker: takes the connector, and commits number after number until it is fenced."""

    def __init__(self, brokers: Brokers) -> None:
        self.brokers = brokers
        self.loses_reply = self.suspicious = self.leaving = False
        self.fenced = False
        self.fault: BaseException | None = None
        self.committed = 0
        self._turn, self._still = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it does nothing any more."""
        return not self._thread.is_alive()

    def move(self) -> None:
        """Let it go on to its next call of a broker, or to its end."""
        if self.ended:
            return
        self._turn.release()
        assert self._still.acquire(timeout=SECONDS), "an owner hangs"
        if self.fenced or self.fault or self.leaving:
            self._thread.join(0.0 if not self._over else SECONDS)
        if self.fault is not None:
            raise self.fault

    def leave(self) -> None:
        """End it, wherever it is."""
        self.leaving = True
        while not self.ended:
            self.move()

    def step(self) -> None:
        """Stand still before a call of a broker; called in the owner's thread."""
        self._still.release()
        self._turn.acquire()
        if self.leaving:
            raise SystemExit

    _over = False

    def _live(self) -> None:
        self._turn.acquire()
        try:
            if not self.leaving:
                self._work(KafkaSlot(ModelCluster(self), CONNECTOR, lambda point: None))  # type: ignore[arg-type]
        except FencedError:
            self.fenced = True
        except SystemExit:
            pass
        except BaseException as error:
            self.fault = error
        finally:
            self._over = True
            self._still.release()

    def _work(self, slot: KafkaSlot) -> None:
        at = self._position(slot)
        while True:
            if self.suspicious and slot._session is not None:
                self.suspicious = False
                slot._session.suspect = "said by the test"
            text = f'{{"n":{at + 1}}}'
            try:
                slot.commit(Transaction(offsets={(CONNECTOR, PARTITION): text}))
                at += 1
                self.committed += 1
            except StoreError:
                # As a task does that is restarted.
                at = self._position(slot)

    def _position(self, slot: KafkaSlot) -> int:
        while True:
            try:
                found = slot.offsets(CONNECTOR).get(PARTITION)
                return int(json.loads(found)["n"]) if found else 0
            except StoreError:
                self.step()
