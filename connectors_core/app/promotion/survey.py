"""Survey: reads the log once before anything is moved, so that nothing is refused half-way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from connectors_core.api.store import StoredRecord
from connectors_core.app.promotion.fingerprint import Fingerprint
from connectors_core.app.promotion.ledger import TopicPartition
from connectors_core.app.promotion.source import SourceLog


@dataclass(slots=True)
class Extremes:
    """What among the records that are to be copied decides whether a topic takes them.

    Pairs of what was found and the offset of the record; None while there is none.
    """

    largest: tuple[int, int] | None = None
    oldest: tuple[int, int] | None = None
    newest: tuple[int, int] | None = None
    keyless: int | None = None

    def add(self, record: StoredRecord) -> None:
        """Look at the next record."""
        size, at, offset = record_bytes(record), record.timestamp, record.offset
        if self.largest is None or size > self.largest[0]:
            self.largest = size, offset
        if self.oldest is None or at < self.oldest[0]:
            self.oldest = at, offset
        if self.newest is None or at > self.newest[0]:
            self.newest = at, offset
        if record.key is None and self.keyless is None:
            self.keyless = offset


@dataclass(slots=True)
class Survey:
    """The records of one partition from `first` to before `end`.

    `copied` is the fingerprint of those before `next`, which are on Kafka already; `whole` that of
    all, made in one pass that shares nothing with the copying.
    """

    first: int
    next: int
    end: int
    copied: Fingerprint
    whole: Fingerprint
    extremes: Extremes = field(default_factory=Extremes)


def record_bytes(record: StoredRecord) -> int:
    """Return the bytes of key, value and headers."""
    headers = sum(len(name.encode()) + len(data) for name, data in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def survey(
    source: SourceLog,
    partition: TopicPartition,
    span: tuple[int, int, int],
    timed: bool,
    step: Callable[[], None],
) -> Survey:
    """Read a partition; `span` is first, next and end. `step` is called for every record."""
    first, following, end = span
    whole = Fingerprint(timed=timed)
    found = Survey(first, following, end, whole.copy(), whole)
    for record in source.records(*partition, first, end):
        whole.add(record)
        if record.offset < following:
            found.copied = whole if record.offset + 1 < following else whole.copy()
        else:
            found.extremes.add(record)
        step()
    return found
