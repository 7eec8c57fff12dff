"""What a transaction has been given ahead of its commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from connectors_core.api.store import Row, Transaction

Rows: TypeAlias = Mapping[tuple[str, int], list[Row]]
Offsets: TypeAlias = Mapping[tuple[str, str], str | None]


class Staged:
    """Rows and offsets as they were handed over; what becomes of their source changes nothing."""

    def __init__(self, transaction: Transaction) -> None:
        self._rows = {target: list(rows) for target, rows in transaction.rows.items()}
        self._offsets = dict(transaction.offsets)

    def begins(self, transaction: Transaction) -> bool:
        """Say whether a transaction has all of it: the rows first, each offset, maybe moved on."""
        rows = transaction.rows
        return self._offsets.keys() <= transaction.offsets.keys() and all(
            rows.get(target, [])[: len(those)] == those for target, those in self._rows.items()
        )

    def rest(self, rows: Rows) -> Rows:
        """Return what follows the staged rows."""
        return {target: those[len(self._rows.get(target, ())) :] for target, those in rows.items()}

    def moved(self, offsets: Offsets) -> Offsets:
        """Return the offsets that were not staged as they are."""
        return {
            place: offset
            for place, offset in offsets.items()
            if place not in self._offsets or self._offsets[place] != offset
        }
