"""Gauge: how fast a far side is asked, on a clock of its own."""

from __future__ import annotations

import time

from connectors_core.testing.clock import VirtualClock
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.life_context import LifeContext

ARRIVAL_SECONDS = 0.5
"""So long a token may be on its way to become a request; some never do."""
SLACK = 1e-6
"""What sums of floats may miss."""


class Gauge:
    """Notes each request to an upstream by `clock`, on which a life takes its tokens.

    Time stands still from a token to its request, so that requests come when their tokens did,
    however slow the machine is. `context` is the life's, set before it reads.
    """

    def __init__(self, far: FarSide) -> None:
        self.clock = VirtualClock(self._under_way)
        self.context: LifeContext
        self._far = far
        self._before = len(far.requests())
        self._came: list[float] = []
        self._early = 0
        self._spent = 0
        self._since: float | None = None

    def found(self) -> str:
        """Say what went out too early or too fast, "" if nothing did."""
        self._look()
        if not self._came:
            return "the upstream notes no `requests`, or none came. It must, for this law."
        if self._early:
            return (
                f"it asked {self._early} times before it had a token for it, {len(self._came)} in"
                " all. Await `context.pace` before each request, whichever it is."
            )
        rate = max(per_second for _, per_second in self.context.paced)
        for first, began in enumerate(self._came):
            for number, came in enumerate(self._came[first:]):
                if number > rate * (came - began) + SLACK:
                    return (
                        f"it asked {number + 1} times in {came - began:.3f} s, and named at most"
                        f" {rate:g} a second. Name one budget for all that one host answers."
                    )
        return ""

    def _look(self) -> None:
        """Note what has come since the last look: no time has passed meanwhile."""
        new = len(self._far.requests()) - self._before - len(self._came)
        self._came += [self.clock.now()] * new
        self._early += min(new, max(0, len(self._came) - self.context.tokens))

    def _under_way(self) -> bool:
        self._look()
        missing = self.context.tokens - self._spent - len(self._came)
        if missing > 0 and self._since is None:
            self._since = time.monotonic()
        if missing > 0 and time.monotonic() - (self._since or 0.0) < ARRIVAL_SECONDS:
            return True
        self._since = None
        self._spent += max(0, missing)
        return False
