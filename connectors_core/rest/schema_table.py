"""SchemaTable: the schemas of a log as of a moment ago, read again when something is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from connectors_core.api.store import SchemaRow

T = TypeVar("T")
FRESH_SECONDS = 1.0


class Snapshot:
    """Schemas by id and by subject, as they were at one moment."""

    def __init__(self, rows: Iterable[SchemaRow] = ()) -> None:
        self.ids: dict[int, list[SchemaRow]] = {}
        self.subjects: dict[str, dict[int, SchemaRow]] = {}
        for row in sorted(rows, key=lambda row: (row.subject, row.version)):
            self.ids.setdefault(row.id, []).append(row)
            self.subjects.setdefault(row.subject, {})[row.version] = row


class SchemaTable:
    """Answers from a snapshot; lives on one loop.

    `read` is blocking; it is called in a thread, one call at a time. What it raises goes to who
    asked.
    """

    def __init__(
        self,
        read: Callable[[], Iterable[SchemaRow]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._snapshot = Snapshot()
        self._until = clock()
        self._reading = asyncio.Lock()

    async def snapshot(self) -> Snapshot:
        """Return a snapshot that is at most a second old."""
        if self._clock() >= self._until:
            await self._renew(self._clock())
        return self._snapshot

    async def find(self, pick: Callable[[Snapshot], T | None]) -> T | None:
        """Return what is picked. If that is None, look once more in what the log holds now."""
        asked = self._clock()
        found = pick(await self.snapshot())
        if found is None:
            await self._renew(asked)
            found = pick(self._snapshot)
        return found

    async def _renew(self, asked: float) -> None:
        """Read, unless somebody has begun to after `asked`."""
        async with self._reading:
            began = self._clock()
            if self._until - FRESH_SECONDS > asked:
                return
            self._snapshot = Snapshot(await asyncio.to_thread(self._read))
            self._until = began + FRESH_SECONDS
