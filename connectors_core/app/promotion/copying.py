"""Copying: records and how far they are, in one transaction after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors_core.api.store import Slot, Transaction
from connectors_core.app.promotion.fingerprint import Fingerprint
from connectors_core.app.promotion.ledger import CONNECTOR, segment_key
from connectors_core.app.promotion.plan import Work
from connectors_core.app.promotion.report import Progress
from connectors_core.app.promotion.source import SourceLog
from connectors_core.app.promotion.survey import record_bytes

RECORDS = 10_000
BYTES = 8 << 20
"""A transaction is ended at so much: what is in memory at a time (invariant 8)."""


class Copier:
    """Commits whole transactions of many partitions. Blocking; one thread."""

    def __init__(self, source: SourceLog, slot: Slot, progress: Progress) -> None:
        self._source = source
        self._slot = slot
        self._progress = progress
        self._waiting = Transaction()
        self._records = 0
        self._bytes = 0
        self._done = 0

    def copy(self, works: Sequence[Work]) -> None:
        """Copy what is missing, to the end."""
        total = sum(work.to_copy for work in works)
        for work in works:
            if work.to_copy:
                self._partition(work, total)
        self._commit(total)

    def _partition(self, work: Work, total: int) -> None:
        partition, segment = work.partition, work.segment
        new = segment.next == segment.first
        print_of_it = Fingerprint(timed=segment.timed) if new else work.survey.copied.copy()
        key = (CONNECTOR, segment_key(partition))
        for record in self._source.records(*partition, segment.next, work.survey.end):
            print_of_it.add(record)
            row = (record.key, record.value, record.timestamp, record.headers)
            self._waiting.rows.setdefault(partition, []).append(row)
            self._records += 1
            self._bytes += record_bytes(record)
            at = record.offset + 1
            full = self._records >= RECORDS or self._bytes >= BYTES
            if full or at == work.survey.end:
                # Invariant 2: how far it is moves with the records, in one transaction.
                told = replace(segment, next=at, end=None, digest=print_of_it.digest)
                self._waiting.offsets[key] = told.encoded()
            if full:
                self._commit(total)

    def _commit(self, total: int) -> None:
        if self._waiting:
            self._slot.commit(self._waiting)
            self._done += self._records
            self._progress.at("copying", self._done, total)
        self._waiting, self._records, self._bytes = Transaction(), 0, 0
