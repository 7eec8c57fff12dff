"""What the engine asks of a log: slots that commit transactions, and a reader beside them.

Implemented by the memory, the embedded and the Kafka store; all pass the same `StoreContract`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Headers: TypeAlias = tuple[tuple[str, bytes], ...]
Row: TypeAlias = tuple[bytes | None, bytes | None, int | None, Headers]
"""A record ready to store: key, value (None = tombstone), timestamp in ms or None for the time of
the write, headers. A plain tuple, because one is made for every record."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is to be made when it is missing. -1 takes the store's default."""

    name: str
    partitions: int = -1
    replication_factor: int = -1
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """A schema as the embedded registry keeps it. `version` counts from 1 within the subject."""

    subject: str
    version: int
    id: int
    avro: str


@dataclass(slots=True)
class Transaction:
    """All that one commit stores. Never open: a store sees it whole or not at all.

    `rows` by (topic, partition), in order. `offsets` by (connector, partition key), canonical JSON,
    None deletes. `state` by (connector, partition key), then key; canonical JSON, None deletes.
    """

    rows: dict[tuple[str, int], list[Row]] = field(default_factory=dict)
    offsets: dict[tuple[str, str], str | None] = field(default_factory=dict)
    state: dict[tuple[str, str], dict[str, str | None]] = field(default_factory=dict)
    schemas: list[SchemaRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.offsets or self.state or self.schemas)


class StateReader(Protocol):
    """Committed keyed state of one source partition; canonical JSON, ordered by UTF-8 bytes."""

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that exist."""
        ...

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` pairs whose key starts with `prefix` and is greater than `after`."""
        ...


class Slot(Protocol):
    """The unit of ownership and of commit. One thread calls `commit`, one call at a time."""

    @property
    def stages(self) -> bool:
        """Whether `stage` does anything."""
        ...

    def offsets(self, connector: str) -> dict[str, str]:
        """Return the committed offsets by partition key. Blocking; after any commit under way."""
        ...

    def stage(self, transaction: Transaction) -> None:
        """Hear what the next commit will begin with, if that makes it faster. Blocking.

        Only a hint: nothing of it may be seen before the commit, which gets all of it again with
        more behind it and offsets moved on, or something else if there was a reason. Raises nothing:
        what is wrong, the commit will say.
        """
        ...

    def commit(self, transaction: Transaction) -> None:
        """Store it all, durably, or nothing. Blocking.

        Raises FencedError if a newer owner has the slot, StoreFull if there is no room (the same
        transaction may be tried again), StoreError for anything else: then it may be stored or
        not, and the truth is what `offsets` returns.
        """
        ...

    def state(self, connector: str, partition_key: str) -> StateReader:
        """Return a reader of committed state; its calls are short and may be made on a loop."""
        ...

    def release(self) -> None:
        """Give the slot up. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as listed.

    `records` counts what is still kept; `bytes` is what the log holds, None if it does not tell.
    """

    name: str
    partitions: int
    records: int
    bytes: int | None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """Where a partition is kept: ids of brokers, the in-sync ones among the replicas.

    `leader` is None where no broker leads it; a log in one copy has no replicas.
    """

    partition: int
    leader: int | None = None
    replicas: tuple[int, ...] = ()
    in_sync: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as read back. `timestamp` is in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class LogReader(Protocol):
    """Reads what is committed, also while another process writes. Every call is short."""

    def topics(self) -> list[TopicInfo]:
        """List the topics by name."""
        ...

    def describe(self, topic: str) -> list[PartitionInfo]:
        """Return where the partitions of a topic are kept, by number.

        Raises ConfigError with the nearest names if there is no such topic.
        """
        ...

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end (the next to be written).

        Raises ConfigError with the nearest names if there is no such topic.
        """
        ...

    def read(self, topic: str, partition: int, start: int, limit: int = 500) -> list[StoredRecord]:
        """Return up to `limit` records from offset `start` on; fewer only at the end."""
        ...

    def offsets(self) -> Iterator[tuple[str, str, str]]:
        """Give connector, partition key and offset (canonical JSON) of every committed offset."""
        ...

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        ...

    def close(self) -> None:
        """Let go of files and connections. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class CommitPace:
    """When a commit is due: `linger` seconds after the last, or when so much waits."""

    linger: float
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """What a topic takes as one record.

    `record_bytes` counts key, value and headers. `stamps` says whether a timestamp of the record's
    own has limits: `first_ms` since 1970 is the earliest, and it may be at most `behind_ms` before
    the clock and `ahead_ms` after it, where None is no limit. `keyed` says that every record must
    have a key.
    """

    record_bytes: int
    stamps: bool = False
    first_ms: int = 0
    behind_ms: int | None = None
    ahead_ms: int | None = None
    keyed: bool = False


class Store(Protocol):
    """A log with topics, committed offsets, keyed state and schemas."""

    pace: CommitPace
    """When commits are due, unless the connector says otherwise."""

    def slot_name(self, connector: str) -> str:
        """Return the name of the slot in which this connector commits."""
        ...

    def acquire(self, slot: str) -> Slot:
        """Become the owner of a slot and fence every earlier one. Blocking."""
        ...

    def ensure_topics(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the number of partitions of each. Blocking."""
        ...

    def limits(self, topic: str) -> TopicLimits:
        """Return what a topic that is there takes as a record. May block."""
        ...

    def schemas(self) -> list[SchemaRow]:
        """Return what the embedded registry has committed."""
        ...

    def reset(self, connector: str, partition_key: str | None = None) -> int:
        """Remove offsets and keyed state together; return how many offsets. Connector stopped."""
        ...

    def set_offset(self, connector: str, partition_key: str, offset: str) -> None:
        """Replace one offset (canonical JSON); keyed state stays. Connector stopped."""
        ...

    def reader(self) -> LogReader:
        """Open a reader."""
        ...

    def close(self) -> None:
        """Finish what is under way and let go. Idempotent."""
        ...
