"""Ledger: what a source has committed while the kit reads it; it outlives the source."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Offset, Partition, Record, Reject, flat
from connectors_core.api.store import StateReader, Transaction
from connectors_core.stores.memory import MemoryStore

CONNECTOR = "contract"


@dataclass(frozen=True, slots=True)
class Unit:
    """What was committed at once: items of one partition, and the offset that closed them."""

    partition: Partition
    items: Sequence[Record | Reject]
    offset: Offset | None


class Ledger:
    """Units in the order of their commits, over a memory store that has the offsets and the state.

    `count` is how many records are committed, rejects not among them. `faults` are what the runtime
    would have failed the task for: a law says which it is about.
    """

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.faults: list[ContractError] = []
        self.count = 0
        store = MemoryStore()
        self._slot = store.acquire(store.slot_name(CONNECTOR))

    def commit(self, unit: Unit, state: dict[str, str | None]) -> None:
        """Store a unit with its offset and its state, canonical JSON by key."""
        whose = (CONNECTOR, unit.partition.key)
        transaction = Transaction(state={whose: state} if state else {})
        if unit.offset is not None:
            try:
                transaction.offsets[whose] = flat(unit.offset, "offset")
            except ContractError as error:
                self.faults.append(error)
        self._slot.commit(transaction)
        self.units.append(unit)
        self.count += sum(isinstance(each, Record) for each in unit.items)

    def blame(self, text: str, code: str = "source.item") -> None:
        """Note a fault of the source."""
        self.faults.append(ContractError(text, code=code))

    def restore(
        self, partition: Partition, offset: Offset | None, state: dict[str, str | None]
    ) -> None:
        """Begin where somebody else has stopped: an offset and a state without their records."""
        self.commit(Unit(partition, (), offset), state)
        self.units.clear()

    def offset(self, partition: Partition) -> Offset | None:
        """Return the committed offset of a partition, as a store would give it back."""
        text = self._slot.offsets(CONNECTOR).get(partition.key)
        found: Offset | None = None if text is None else json.loads(text)
        return found

    def state(self, partition: Partition) -> StateReader:
        """Return a reader of the committed keyed state."""
        return self._slot.state(CONNECTOR, partition.key)

    def rows(self, partition: Partition) -> dict[str, str]:
        """Return all committed keyed state of a partition, canonical JSON by key."""
        return dict(self.state(partition).scan("", "", 1_000_000))

    def has_units(self, count: int) -> Callable[[], bool]:
        """Return what says whether so many units are committed."""
        return lambda: len(self.units) >= count

    def has(self, count: int) -> Callable[[], bool]:
        """Return what says whether so many records are committed."""
        return lambda: self.count >= count

    def records(self) -> list[Record]:
        """Return all committed records in the order of their commits."""
        return [each for unit in self.units for each in unit.items if isinstance(each, Record)]

    def rejects(self) -> list[tuple[str, bytes]]:
        """Return reason and bytes of all committed rejects, sorted."""
        items = (each for unit in self.units for each in unit.items)
        return sorted((each.reason, bytes(each.raw)) for each in items if isinstance(each, Reject))

    def by_partition(self) -> dict[Partition, list[Record]]:
        """Return the committed records of every partition that has some, in their order."""
        found: dict[Partition, list[Record]] = {}
        for unit in self.units:
            records = [each for each in unit.items if isinstance(each, Record)]
            found.setdefault(unit.partition, []).extend(records)
        return {partition: records for partition, records in found.items() if records}
