"""MemoryStore: the guarantees of a log, for as long as the process lives."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from connectors_core.api.errors import FencedError, StoreError
from connectors_core.api.store import (
    CommitPace,
    PartitionInfo,
    Row,
    SchemaRow,
    StoredRecord,
    TopicInfo,
    TopicLimits,
    TopicSpec,
    Transaction,
)
from connectors_core.stores.names import (
    check_canonical,
    check_partition,
    check_topic,
    partitions_of,
    retention_of,
    unknown_partition,
    unknown_topic,
)


@dataclass(slots=True)
class _Keyed:
    """Keyed state of one partition; str compares by code point, which is UTF-8 order."""

    values: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def put(self, key: str, value: str | None) -> None:
        if key not in self.values and value is not None:
            insort(self.order, key)
        elif key in self.values and value is None:
            del self.order[bisect_left(self.order, key)]
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


@dataclass(slots=True)
class _Log:
    """All that is committed. `mutex` is held, shortly, around every use; `commits` by a commit."""

    mutex: threading.Lock = field(default_factory=threading.Lock)
    commits: threading.Lock = field(default_factory=threading.Lock)
    topics: dict[str, TopicSpec] = field(default_factory=dict)
    records: dict[tuple[str, int], list[StoredRecord]] = field(default_factory=dict)
    offsets: dict[tuple[str, str], str] = field(default_factory=dict)
    state: dict[tuple[str, str], _Keyed] = field(default_factory=dict)
    schemas: dict[tuple[str, int], SchemaRow] = field(default_factory=dict)

    def append(self, topic: str, partition: int, rows: Sequence[Row], now: int) -> None:
        spec = self.topics.get(topic, TopicSpec(topic, 1))
        self.topics[topic] = TopicSpec(
            topic, max(spec.partitions, partition + 1), settings=spec.settings
        )
        log = self.records.setdefault((topic, partition), [])
        log += [
            StoredRecord(
                topic, partition, offset, now if stamp is None else stamp, key, value, headers
            )
            for offset, (key, value, stamp, headers) in enumerate(rows, len(log))
        ]

    def move(self, whose: tuple[str, str], offset: str | None) -> None:
        if offset is None:
            self.offsets.pop(whose, None)
        else:
            self.offsets[whose] = offset

    def partitions(self, topic: str) -> int:
        if topic not in self.topics:
            raise unknown_topic(topic, self.topics)
        return self.topics[topic].partitions


class MemoryStore:
    """A transactional log in memory, with as many slots as are asked for."""

    pace = CommitPace(linger=0.005, records=1000, bytes=1 << 20)

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        crash: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._log = _Log()
        self._clock = clock
        self._crash = crash
        self._owners: dict[str, MemorySlot] = {}
        self._closed = False

    def slot_name(self, connector: str) -> str:
        """Return the name of the one slot that connectors share."""
        return "memory"

    def acquire(self, slot: str) -> MemorySlot:
        """Become the owner of a slot and fence every earlier one. Blocking."""
        with self._log.commits:
            self._require_open()
            self._owners[slot] = MemorySlot(self, self._log, slot)
            return self._owners[slot]

    def commit(self, slot: MemorySlot, transaction: Transaction) -> None:
        """Store a transaction of a slot's owner; called by `MemorySlot.commit`."""
        with self._log.commits:
            self._require_open()
            # Invariant 4: an older owner is fenced and can never commit again.
            if self._owners.get(slot.name) is not slot:
                raise FencedError("a newer owner has the slot, or it was released; this one stops.")
            _check(self._log, transaction)
            for point in ("begin", "write", "offset", "commit"):
                self._crash(point)
            with self._log.mutex:
                _apply(self._log, transaction, int(self._clock() * 1000))
            self._crash("committed")

    def disown(self, slot: MemorySlot) -> None:
        """Take a slot from an owner, if it still has it; called by `MemorySlot.release`."""
        if self._owners.get(slot.name) is slot:
            self._owners.pop(slot.name, None)

    def ensure_topics(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the number of partitions of each."""
        made = {spec.name: (spec, partitions_of(spec), retention_of(spec)) for spec in specs}
        with self._log.mutex:
            for name, (spec, count, _) in made.items():
                self._log.topics.setdefault(
                    name, TopicSpec(name, count, settings=dict(spec.settings))
                )
            return {name: self._log.topics[name].partitions for name in made}

    def limits(self, topic: str) -> TopicLimits:
        """Return more than a unit may hold: `batch.max.bytes` is the limit here."""
        return TopicLimits(1 << 30)

    def schemas(self) -> list[SchemaRow]:
        """Return what the embedded registry has committed."""
        with self._log.mutex:
            return list(self._log.schemas.values())

    def reset(self, connector: str, partition_key: str | None = None) -> int:
        """Remove offsets and keyed state together; return how many offsets. Connector stopped."""
        with self._log.mutex:
            found = [
                whose
                for whose in {*self._log.offsets, *self._log.state}
                if whose[0] == connector and partition_key in (None, whose[1])
            ]
            for whose in found:
                self._log.state.pop(whose, None)
            return sum(self._log.offsets.pop(whose, None) is not None for whose in found)

    def set_offset(self, connector: str, partition_key: str, offset: str) -> None:
        """Replace one offset; keyed state stays. Raises ConfigError if it is not canonical JSON."""
        check_canonical(partition_key, "partition")
        check_canonical(offset, "offset")
        with self._log.mutex:
            self._log.move((connector, partition_key), offset)

    def reader(self) -> MemoryReader:
        """Open a reader."""
        return MemoryReader(self._log)

    def close(self) -> None:
        """Finish what is under way and let go. Idempotent. Readers may go on."""
        with self._log.commits:
            self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed.", code="store.closed", place="memory")


def _check(log: _Log, transaction: Transaction) -> None:
    """Refuse what can't be stored before anything is."""
    for topic, partition in transaction.rows:
        check_topic(topic)
        check_partition(topic, partition)
    for row in transaction.schemas:
        if log.schemas.get((row.subject, row.version), row) != row:
            raise StoreError(
                f"subject {row.subject} has another schema as version {row.version} already.",
                code="store.schema",
                place="memory",
            )


def _apply(log: _Log, transaction: Transaction, now: int) -> None:
    for (topic, partition), rows in transaction.rows.items():
        if rows:
            log.append(topic, partition, rows, now)
    for whose, offset in transaction.offsets.items():
        log.move(whose, offset)
    for whose, changes in transaction.state.items():
        keyed = log.state.setdefault(whose, _Keyed())
        for key, value in changes.items():
            keyed.put(key, value)
    for row in transaction.schemas:
        log.schemas[row.subject, row.version] = row


class MemorySlot:
    """A handle on a slot; fenced by the next `acquire`."""

    stages: ClassVar[bool] = False

    def __init__(self, store: MemoryStore, log: _Log, name: str) -> None:
        self.name = name
        self._store = store
        self._log = log

    def offsets(self, connector: str) -> dict[str, str]:
        """Return the committed offsets by partition key; after any commit under way."""
        with self._log.commits, self._log.mutex:
            return {key: at for (name, key), at in self._log.offsets.items() if name == connector}

    def stage(self, transaction: Transaction) -> None:
        """Nothing: a commit takes no time before its rows are there."""

    def commit(self, transaction: Transaction) -> None:
        """Store it all or nothing. Raises FencedError, StoreError."""
        self._store.commit(self, transaction)

    def state(self, connector: str, partition_key: str) -> MemoryState:
        """Return a reader of committed state."""
        return MemoryState(self._log, (connector, partition_key))

    def release(self) -> None:
        """Give the slot up. Idempotent."""
        self._store.disown(self)


class MemoryState:
    """Committed keyed state of one source partition."""

    def __init__(self, log: _Log, whose: tuple[str, str]) -> None:
        self._log = log
        self._whose = whose

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that exist."""
        with self._log.mutex:
            values = self._keyed().values
            return {key: values[key] for key in keys if key in values}

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` pairs whose key starts with `prefix` and is greater than `after`."""
        with self._log.mutex:
            keyed = self._keyed()
            first = max(bisect_right(keyed.order, after), bisect_left(keyed.order, prefix))
            keys = keyed.order[first : first + max(limit, 0)]
            return [(key, keyed.values[key]) for key in keys if key.startswith(prefix)]

    def _keyed(self) -> _Keyed:
        return self._log.state.get(self._whose, _Keyed())


class MemoryReader:
    """Reads what is committed."""

    def __init__(self, log: _Log) -> None:
        self._log = log

    def topics(self) -> list[TopicInfo]:
        """List the topics by name."""
        with self._log.mutex:
            return [self._info(name) for name in sorted(self._log.topics)]

    def _info(self, name: str) -> TopicInfo:
        spec = self._log.topics[name]
        records = [
            r for (topic, _), some in self._log.records.items() if topic == name for r in some
        ]
        size = sum(len(record.key or b"") + len(record.value or b"") for record in records)
        return TopicInfo(name, spec.partitions, len(records), size, spec.settings)

    def describe(self, topic: str) -> list[PartitionInfo]:
        """Return the partitions: one copy each, which no broker leads. Raises ConfigError."""
        return [PartitionInfo(number) for number in sorted(self.bounds(topic))]

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end. Raises ConfigError."""
        with self._log.mutex:
            return {
                number: (0, len(self._log.records.get((topic, number), ())))
                for number in range(self._log.partitions(topic))
            }

    def read(self, topic: str, partition: int, start: int, limit: int = 500) -> list[StoredRecord]:
        """Return up to `limit` records from offset `start` on. Raises ConfigError."""
        with self._log.mutex:
            known = range(self._log.partitions(topic))
            if partition not in known:
                raise unknown_partition(topic, partition, len(known))
            first = max(start, 0)
            return self._log.records.get((topic, partition), [])[first : first + max(limit, 0)]

    def offsets(self) -> Iterator[tuple[str, str, str]]:
        """Give connector, partition key and offset of every committed offset, in their order."""
        with self._log.mutex:
            found = sorted(self._log.offsets.items())
        for (connector, partition_key), offset in found:
            yield connector, partition_key, offset

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        with self._log.mutex:
            return list(self._log.schemas.values())

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
