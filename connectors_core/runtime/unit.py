"""Units: rows that are stored whole with the offset that closes them, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Offset, Partition, flat
from connectors_core.api.store import Row
from connectors_core.runtime.state import Overlay

Target: TypeAlias = tuple[str, int]
"""A topic and one of its partitions."""

SCALARS = frozenset({str, int, float, bool, type(None)})
ROW_OVERHEAD = 100
"""Bytes that a waiting row costs beside its key and value."""


class Progress:
    """How far one source partition is: its open unit, its newest offsets, its state overlay."""

    __slots__ = (
        "committed",
        "held",
        "key",
        "last",
        "open_bytes",
        "open_filtered",
        "open_records",
        "open_rejected",
        "open_rows",
        "open_undelivered",
        "overlay",
        "partition",
    )

    def __init__(self, partition: Partition, committed: str | None) -> None:
        self.partition = partition
        self.key = partition.key
        self.committed = committed
        self.last: Offset | None = None
        self.open_rows: list[tuple[Target, Row]] = []
        self.open_bytes = 0
        self.open_records = self.open_filtered = self.open_rejected = 0
        self.open_undelivered = 0
        self.held = 0
        """How many records of the open unit wait for a schema to be inferred."""
        self.overlay = Overlay()

    def drop_open(self) -> int:
        """Throw away the open unit and the overlay; return how many bytes that frees."""
        freed = self.open_bytes
        self.open_rows = []
        self.open_bytes = self.open_records = self.open_undelivered = 0
        self.open_filtered = self.open_rejected = 0
        self.last = None
        self.overlay.clear()
        return freed


@dataclass(slots=True)
class Parcel:
    """Whole units of one task, in order, on their way into one transaction.

    `bytes` is what it costs to hold, `undelivered` how much of that is dead letters and state.
    """

    rows: dict[Target, list[Row]] = field(default_factory=dict)
    offsets: dict[str, Offset | None] = field(default_factory=dict)
    state: dict[str, dict[str, str | None]] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    records: int = 0
    rejected: int = 0
    filtered: int = 0
    bytes: int = 0
    undelivered: int = 0

    @property
    def value_bytes(self) -> int:
        """How many bytes of keys, values and headers are delivered."""
        return self.bytes - self.undelivered - ROW_OVERHEAD * self.records

    def absorb(self, later: Parcel) -> None:
        """Take in a parcel of the same task that was closed after this one."""
        for target, rows in later.rows.items():
            # A new list: the old one may be in a transaction by now.
            self.rows[target] = self.rows.get(target, []) + rows
        self.offsets.update(later.offsets)
        for key, values in later.state.items():
            self.state[key] = self.state.get(key, {}) | values
        self.ages.update(later.ages)
        self.records += later.records
        self.rejected += later.rejected
        self.filtered += later.filtered
        self.bytes += later.bytes
        self.undelivered += later.undelivered

    def rows_of(self, target: Target) -> list[Row]:
        """Return the rows that go to one partition of a topic, to append to."""
        rows = self.rows.get(target)
        if rows is None:
            rows = self.rows[target] = []
        return rows


class Outbox:
    """Where a task's closed units wait for their commit.

    Invariant 8: `room` is how large the parcel may become, so many bytes as `read_ahead` leaves
    beside open units and the parcels in a commit. It is reckoned anew from those, never moved by a
    difference, because the loop and a source's thread both have a hand in it.
    """

    def __init__(
        self, max_records: int, max_bytes: int, read_ahead: int, wake: Callable[[bool], None]
    ) -> None:
        self.max_records = max_records
        self.max_bytes = max_bytes
        self._wake = wake
        self._woken = False
        self._full = False
        self.parcel = Parcel()
        self.open_bytes = 0
        self._flying_bytes = 0
        self.room = self._read_ahead = read_ahead
        self._taken_records = 0
        self._taken = 0
        self.settled = 0

    def reckon(self) -> None:
        """Note that open units or the parcels in a commit have changed."""
        self.room = self._read_ahead - self.open_bytes - self._flying_bytes

    @property
    def crowded(self) -> bool:
        """Whether the read-ahead is full, and a commit under way or due will make room."""
        return self.parcel.bytes >= self.room and not self.empty

    def touched(self) -> None:
        """Tell the writer, once for the first unit and once when a commit should not wait."""
        parcel = self.parcel
        if not self._woken:
            self._woken = True
            self._wake(False)
        if not self._full and (
            parcel.records >= self.max_records
            or parcel.bytes >= self.max_bytes
            or parcel.bytes >= self.room
        ):
            self._full = True
            self._wake(True)

    def take(self) -> Parcel:
        """Hand the waiting units to a commit, in addition to what it has taken already."""
        parcel, self.parcel = self.parcel, Parcel()
        self._flying_bytes += parcel.bytes
        self._taken_records += parcel.records
        self._taken += 1
        self._woken = self._full = False
        self.reckon()
        return parcel

    def settle(self) -> None:
        """Forget the units of the commit that is done."""
        self._flying_bytes = 0
        self.settled = self._taken
        self.reckon()

    @property
    def mark(self) -> int:
        """What `settled` will be when everything that is closed now is committed."""
        return self._taken + self._woken

    @property
    def closed_records(self) -> int:
        """How many records were closed into units since the start of the run."""
        return self._taken_records + self.parcel.records

    @property
    def empty(self) -> bool:
        """Whether nothing waits for a commit and nothing is in one."""
        return self.settled == self._taken and not self._woken


def close_unit(progress: Progress, offset: Offset, outbox: Outbox) -> None:
    """Move the open unit to the outbox with its offset.

    Raises ContractError for an offset equal to the one before, or one that is not flat.
    """
    if offset == progress.last:
        raise ContractError(
            f"partition {progress.key}: two offsets in a row are equal: {dict(offset)!r}."
            " Give each record, or the last record of each unit, an offset of its own.",
            code="source.offset",
        )
    if not isinstance(offset, Mapping):
        flat(offset, "offset")
    for scalar in offset.values():
        if type(scalar) not in SCALARS:
            flat(offset, "offset")
    parcel = outbox.parcel
    # A copy, because a source may go on changing its dict; written as JSON once a commit.
    parcel.offsets[progress.key] = progress.last = dict(offset)
    if progress.open_rows or progress.open_filtered:
        close_open(progress, outbox)


def close_open(progress: Progress, outbox: Outbox) -> None:
    """Move the open unit's rows to the outbox: from here on they are stored whole."""
    parcel = outbox.parcel
    for target, row in progress.open_rows:
        parcel.rows_of(target).append(row)
    parcel.bytes += progress.open_bytes
    parcel.records += progress.open_records
    parcel.undelivered += progress.open_undelivered
    parcel.filtered += progress.open_filtered
    parcel.rejected += progress.open_rejected
    progress.open_filtered = progress.open_rejected = 0
    outbox.open_bytes -= progress.open_bytes
    outbox.reckon()
    progress.open_rows = []
    progress.open_bytes = progress.open_records = progress.open_undelivered = 0


def seal(parcel: Parcel) -> dict[str, str | None]:
    """Return the parcel's offsets as canonical JSON by partition key, None for a reset.

    Raises ContractError for one that is over 1 KiB or holds what JSON can't.
    """
    return {
        key: None if offset is None else flat(offset, "offset")
        for key, offset in parcel.offsets.items()
    }
