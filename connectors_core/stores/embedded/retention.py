"""Takes old batches away, a few after each commit, and gives the room back."""

from __future__ import annotations

from collections.abc import Callable

from connectors_core.stores.embedded.connection import Connection

EVERY = 60.0
"""Seconds between two looks for what is too old."""
WEEK_MS = 7 * 24 * 3600 * 1000
_STEP = 16
_PAGES = 1024

# The first batch of every partition is the one at its start, found through the unique index; a
# plain JOIN lets SQLite read all batches instead.
# As on Kafka, retention.bytes is per partition, and at least so much is kept.
_EXPIRED = """
DELETE FROM batch WHERE id IN (
    SELECT batch.id FROM log
    CROSS JOIN topic ON topic.id = log.topic
    CROSS JOIN batch ON batch.log = log.id AND batch.base = log.start
    WHERE (coalesce(retention_ms, ?1) >= 0 AND appended < ?2 - coalesce(retention_ms, ?1))
       OR (coalesce(retention_bytes, ?3) >= 0
           AND log.bytes - batch.size >= coalesce(retention_bytes, ?3))
    LIMIT ?4)
"""


class Retention:
    """When to look, and how far to go at once. -1 or None keeps for ever."""

    def __init__(
        self, retention_ms: int | None, retention_bytes: int | None, clock: Callable[[], float]
    ) -> None:
        self._ms = -1 if retention_ms is None else retention_ms
        self._bytes = -1 if retention_bytes is None else retention_bytes
        self._clock = clock
        self._looked = float("-inf")

    def due(self) -> bool:
        """Say whether it is time, or work of the last time is left. A clock set back is time."""
        return abs(self._clock() - self._looked) >= EVERY

    def wait(self) -> None:
        """Look again in a minute only."""
        self._looked = self._clock()

    def remove(self, connection: Connection, written: int) -> bool:
        """Remove expired batches, more than were just `written`; return whether all are gone."""
        left = max(_STEP, 2 * written)
        now = int(self._clock() * 1000)
        while left:
            found = connection.execute(_EXPIRED, (self._ms, now, self._bytes, left)).rowcount
            if not found:
                return True
            left -= found
        return False


def give_back(connection: Connection) -> bool:
    """Shrink the file by up to 4 MiB if more than a tenth of it is free; return whether all is done.

    The rest is used again by the next records, which is cheaper than moving pages about.
    """
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    surplus = free - max(pages // 10, _PAGES)
    if surplus > 0:
        # A script runs to its end in C; a cursor would give up the GIL at every page.
        connection.executescript(f"PRAGMA incremental_vacuum({min(surplus, _PAGES)})")
    return bool(surplus <= _PAGES)
