"""LifeContext: what a source is offered in one life: state of a ledger, real pace, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors_core.api.record import JsonScalar, Partition
from connectors_core.runtime.context import Shared
from connectors_core.runtime.state import Overlay, StateView
from connectors_core.testing.context import MemoryContext
from connectors_core.testing.ledger import CONNECTOR, Ledger


class LifeContext(MemoryContext):
    """The context of one life: its state is the ledger's, overlaid with what was yielded.

    It notes what is asked of it, and paces and holds as a worker does.
    """

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(CONNECTOR)
        self._ledger = ledger
        self._shared = Shared()
        self._overlays: dict[Partition, Overlay] = {}

    def overlay(self, partition: Partition) -> Overlay:
        """Return what a partition's generator has yielded and nobody committed."""
        return self._overlays.setdefault(partition, Overlay())

    def state(self, partition: Mapping[str, JsonScalar]) -> Any:
        """Return the keyed state of a partition."""
        place = Partition(partition)
        return StateView(self._ledger.state(place), self.overlay(place))

    async def pace(self, name: str, per_second: float) -> None:
        """Wait for a token."""
        await super().pace(name, per_second)
        await self._shared.pace(name, per_second)

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait."""
        super().hold(name, seconds)
        self._shared.hold(name, seconds)
