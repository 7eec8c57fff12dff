"""The most records that a run may commit, over all connectors (`--max-records`)."""

from __future__ import annotations

from collections.abc import Callable


class Budget:
    """Counts records as their units close; calls `spent` once when there are no more.

    `limit` None means without end.
    """

    def __init__(self, limit: int | None, spent: Callable[[], None]) -> None:
        self.limited = limit is not None
        self._left = limit or 0
        self._spent = spent
        self.exhausted = False

    def spend(self, records: int) -> None:
        """Count records; a negative number gives back what was filtered out after all."""
        self._left -= records
        if self.limited and self._left <= 0 and not self.exhausted:
            self.exhausted = True
            self._spent()
