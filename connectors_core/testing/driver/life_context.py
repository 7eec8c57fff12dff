"""LifeContext: what a source is offered in one life: state of a ledger, tokens, notes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from connectors_core.api.record import JsonScalar, Partition
from connectors_core.runtime.state import Overlay, StateView
from connectors_core.testing.clock import VirtualClock
from connectors_core.testing.context import MemoryContext
from connectors_core.testing.driver.ledger import CONNECTOR, Ledger


class LifeContext(MemoryContext):
    """The context of one life: its state is the ledger's.

    It notes what is asked of it; `tokens` are those that were given. Without a clock they come at
    once, so that no law has to wait for them, and who is held waits.
    """

    def __init__(self, ledger: Ledger, clock: VirtualClock | None = None) -> None:
        super().__init__(CONNECTOR, clock)
        self.tokens = 0
        self.ledger = ledger

    def state(self, partition: Mapping[str, JsonScalar]) -> Any:
        """Return the keyed state of a partition: what is yielded is committed before anybody looks."""
        return StateView(self.ledger.state(Partition(partition)), Overlay())

    async def pace(self, name: str, per_second: float) -> None:
        """Take a token."""
        await super().pace(name, per_second)
        if self.clock is None:
            await self._shared.pace(name, math.inf)
        self.tokens += 1

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait."""
        super().hold(name, seconds)
        if self.clock is None:
            self._shared.hold(name, seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait, on the clock if there is one."""
        await (asyncio.sleep(seconds) if self.clock is None else self.clock.sleep(seconds))
