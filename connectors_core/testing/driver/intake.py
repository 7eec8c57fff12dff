"""Intake: what a life does with the items it has pulled: forms units, commits them, notes faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Batch, Item, Offset, Partition, Record, Reject
from connectors_core.runtime.items import (
    checked_parts,
    require_closed,
    require_item,
    require_no_open_unit,
)
from connectors_core.runtime.state import encode_state
from connectors_core.testing.driver.ledger import Ledger, Unit


class Intake:
    """The open units of one generator, which reads `places`; with `together` it is a `read_all`.

    What the runtime would fail the task for is noted in the ledger, and the reading goes on.
    """

    def __init__(self, ledger: Ledger, places: Sequence[Partition], together: bool) -> None:
        self._ledger = ledger
        self._together = together
        self._opened: dict[Partition, list[Record | Reject]] = {place: [] for place in places}

    def take(self, item: Any) -> tuple[Partition, Offset | None] | None:
        """Take an item; if it closes a unit, commit that and return its partition and offset."""
        place = self._place(item)
        if place is None:
            return None
        self._opened[place] += self._parts(item, place)
        if type(item) is not Batch and item.offset is None:
            return None
        offset = None if item.offset is None else dict(item.offset)
        self._commit(place, offset, self._encoded(item))
        return place, offset

    def require_closed(self) -> None:
        """Note a fault for each unit that is still open."""
        for place, items in self._opened.items():
            try:
                require_closed(place.key, len(items))
            except ContractError as error:
                self._ledger.faults.append(error)

    def _commit(
        self, place: Partition, offset: Offset | None, state: dict[str, str | None]
    ) -> None:
        self._ledger.commit(Unit(place, tuple(self._opened[place]), offset), state)
        self._opened[place] = []

    def _place(self, item: Any) -> Partition | None:
        """Return whose item it is; None with the fault noted if that can't be said."""
        try:
            require_item(item)
        except ContractError as error:
            self._ledger.faults.append(error)
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

    def _parts(self, item: Item, place: Partition) -> Sequence[Record | Reject]:
        try:
            require_no_open_unit(item, place.key, len(self._opened[place]))
            return checked_parts(item)
        except ContractError as error:
            self._ledger.faults.append(error)
            return ()

    def _encoded(self, item: Item) -> dict[str, str | None]:
        try:
            return encode_state(item.state) if type(item) is Batch else {}
        except ContractError as error:
            self._ledger.faults.append(error)
            return {}
