"""The chain of transforms: one record in, 0..n out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors_core.api.record import Record
from connectors_core.api.transform import Predicate, Transform
from connectors_core.runtime import crash


@dataclass(frozen=True, slots=True)
class Step:
    """One transform, applied where its predicate (if any) says so; `negate` turns that round."""

    alias: str
    transform: Transform[Any]
    predicate: Predicate[Any] | None = None
    negate: bool = False

    def apply(self, record: Record) -> Sequence[Record]:
        """Return what becomes of one record."""
        if self.predicate is not None and self.predicate.test(record) == self.negate:
            return (record,)
        made = self.transform.apply(record)
        if made is None:
            return ()
        return (made,) if isinstance(made, Record) else tuple(made)


def run_chain(steps: Sequence[Step], record: Record) -> Sequence[Record]:
    """Put a record through all steps, in order. An exception is the record's error."""
    crash.reach("transform")
    records: Sequence[Record] = (record,)
    for step in steps:
        records = [made for each in records for made in step.apply(each)]
        if not records:
            break
    return records
