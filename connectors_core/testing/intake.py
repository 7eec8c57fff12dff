"""Intake: what a life does with the items it has pulled: forms units, commits them, notes faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Batch, Offset, Partition, Record, Reject
from connectors_core.runtime.state import encode_state
from connectors_core.testing.ledger import Unit
from connectors_core.testing.life_context import LifeContext


class Intake:
    """The open units of one generator, which reads `places`; with `together` it is a `read_all`.

    What the runtime would fail the task for is noted in the ledger, and the reading goes on.
    """

    def __init__(self, context: LifeContext, places: Sequence[Partition], together: bool) -> None:
        self._context = context
        self._ledger = context.ledger
        self._together = together
        self._opened: dict[Partition, list[Record | Reject]] = {place: [] for place in places}

    def take(self, item: Any) -> tuple[Partition, Offset | None] | None:
        """Take an item; if it closes a unit, commit that and return its partition and offset."""
        place = self._place(item)
        if place is None:
            return None
        if isinstance(item, Batch):
            self._opened[place] += item.records
        else:
            self._opened[place].append(item)
            if item.offset is None:
                return None
        offset = None if item.offset is None else dict(item.offset)
        self._commit(place, offset, self._encoded(item))
        return place, offset

    def require_closed(self) -> None:
        """Note a fault for each unit that is still open."""
        for place, items in self._opened.items():
            if items:
                self._ledger.blame(
                    f"partition {place.key}: read returned with {len(items)} records that no offset"
                    " closes. Give the last record an offset.",
                    "source.open-unit",
                )

    def _commit(
        self, place: Partition, offset: Offset | None, state: dict[str, str | None]
    ) -> None:
        overlay = self._context.overlay(place)
        age = overlay.put(state)
        self._ledger.commit(Unit(place, tuple(self._opened[place]), offset), state)
        self._opened[place] = []
        overlay.forget(age)

    def _place(self, item: Any) -> Partition | None:
        """Return whose item it is; None with the fault noted if that can't be said."""
        if not isinstance(item, Record | Batch | Reject):
            kind = type(item).__name__
            self._ledger.blame(f"a source yields Record, Batch or Reject, got {kind}.")
            return None
        if not self._together:
            (place,) = self._opened
            if item.partition is not None and item.partition != place:
                self._ledger.blame("an item names a partition, which is for read_all only.")
            return place
        named = None if item.partition is None else Partition(item.partition)
        if named not in self._opened:
            self._ledger.blame(
                f"read_all gave an item of {item.partition!r}, which it was not asked for."
            )
            return None
        return named

    def _encoded(self, item: Record | Batch | Reject) -> dict[str, str | None]:
        try:
            return encode_state(item.state) if isinstance(item, Batch) else {}
        except ContractError as error:
            self._ledger.faults.append(error)
            return {}
