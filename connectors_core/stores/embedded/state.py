"""Committed keyed state, read beside a commit that is under way."""

from __future__ import annotations

from collections.abc import Sequence

from connectors_core.stores.embedded.bulk import portions
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.names import first_after

_OWNER = "owner = (SELECT id FROM owner WHERE connector = ? AND partition = ?)"


class EmbeddedState:
    """The state of one source partition. Text is compared by its UTF-8 bytes."""

    def __init__(self, side: ReadSide, connector: str, partition_key: str) -> None:
        self._side = side
        self._owner = (connector, partition_key)

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that exist."""
        found: dict[str, str] = {}
        for some in portions(keys):
            marks = ",".join("?" * len(some))
            sql = f"SELECT key, value FROM state WHERE {_OWNER} AND key IN ({marks})"
            found.update(self._side.rows(sql, (*self._owner, *some)))
        return found

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` pairs whose key starts with `prefix` and is greater than `after`."""
        sql = f"SELECT key, value FROM state WHERE {_OWNER}"
        # One lower bound, so that the index is entered at the right place.
        sql += " AND key > ?" if after >= prefix else " AND key >= ?"
        bounds = [max(after, prefix)]
        if end := first_after(prefix):
            sql += " AND key < ?"
            bounds.append(end)
        sql += " ORDER BY key LIMIT ?"
        return self._side.rows(sql, (*self._owner, *bounds, max(limit, 0)))
