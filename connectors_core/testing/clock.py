"""VirtualClock: time that passes only while everyone waits for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

TURNS = 10
"""So often the loop goes round before time jumps: whoever has something to do does it first."""
LOOK_SECONDS = 0.001


class VirtualClock:
    """A clock that begins at 0 and takes no time: it jumps to whoever has the least to wait.

    It does so when nobody on its loop has anything to do at once. What is under way elsewhere, as a
    request to a server, it does not see: time stands still while `busy()` says that there is.
    """

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self._busy = busy
        self._now = 0.0
        self._due: list[float] = []

    def now(self) -> float:
        """Return how many seconds have passed."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed here. A cancelled sleep moves nothing."""
        # A step at least: who waits until a sum of floats is reached must come nearer each time.
        due = max(self._now + seconds, math.nextafter(self._now, math.inf))
        self._due.append(due)
        try:
            while self._now < due:
                before = self._now
                await self._quiet()
                # Who was woken meanwhile may have something to do first.
                if self._now == before and due <= min(self._due):
                    self._now = due
        finally:
            self._due.remove(due)

    async def _quiet(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        while self._busy():  # noqa: ASYNC110 - it is another machine's doing
            await asyncio.sleep(LOOK_SECONDS)
