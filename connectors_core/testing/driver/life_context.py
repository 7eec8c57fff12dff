"""LifeContext: what a source is offered in one life: state of a ledger, tokens, notes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from connectors_core.api.record import JsonScalar, Partition
from connectors_core.runtime.state import Overlay, StateView
from connectors_core.testing.clock import VirtualClock
from connectors_core.testing.context import MemoryContext
from connectors_core.testing.driver.ledger import CONNECTOR, Ledger


class LifeContext(MemoryContext):
    """The context of one life: its state is the ledger's, overlaid with what was yielded.

    It notes what is asked of it; `tokens` are those that were given. Without a clock they come at
    once, so that no law has to wait for them, and who is held waits.
    """

    def __init__(self, ledger: Ledger, clock: VirtualClock | None = None) -> None:
        super().__init__(CONNECTOR, clock)
        self.tokens = 0
        self.ledger = ledger
        self._held_until: dict[str, float] = {}
        self._overlays: dict[Partition, Overlay] = {}

    def overlay(self, partition: Partition) -> Overlay:
        """Return what a partition's generator has yielded and nobody committed."""
        return self._overlays.setdefault(partition, Overlay())

    def state(self, partition: Mapping[str, JsonScalar]) -> Any:
        """Return the keyed state of a partition."""
        place = Partition(partition)
        return StateView(self.ledger.state(place), self.overlay(place))

    async def pace(self, name: str, per_second: float) -> None:
        """Take a token."""
        await super().pace(name, per_second)
        if self.clock is None:
            await asyncio.sleep(max(0.0, self._held_until.get(name, 0.0) - time.monotonic()))
        self.tokens += 1

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait."""
        super().hold(name, seconds)
        self._held_until[name] = time.monotonic() + seconds

    async def sleep(self, seconds: float) -> None:
        """Wait, on the clock if there is one."""
        await (asyncio.sleep(seconds) if self.clock is None else self.clock.sleep(seconds))
