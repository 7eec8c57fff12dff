"""Seen: which events of the rewind span were counted, so that a replay counts none twice."""

from __future__ import annotations

from typing import Any

from connectors_core import State

PREFIX = "seen|"
MOST = 200_000


class Seen:
    """Marks of counted events, each with its time; rows of keyed state hold a Batch's worth each.

    Marks older than the horizon are forgotten: what old an event is, is refused by its time alone.
    """

    def __init__(self, state: State) -> None:
        self._times: dict[str, int] = {}
        self._rows: dict[str, list[str]] = {}
        self._fresh: list[str] = []
        after = ""
        while rows := state.scan(PREFIX, after=after):
            for key, value in rows:
                self._load(key, value)
            after = rows[-1][0]

    def _load(self, key: str, value: Any) -> None:
        self._rows[key] = [mark for _, mark in value]
        self._times.update({mark: us for us, mark in value})

    def __contains__(self, mark: str) -> bool:
        return mark in self._times

    def add(self, mark: str, us: int) -> None:
        """Remember an event; durable with the next `rows`."""
        self._times[mark] = us
        self._fresh.append(mark)

    def rows(self, horizon: int) -> dict[str, Any]:
        """Return the change of keyed state: fresh marks, and rows wholly before `horizon`."""
        changed: dict[str, Any] = {}
        if self._fresh:
            key = f"{PREFIX}{max(self._times[mark] for mark in self._fresh):018d}|{self._fresh[0]}"
            changed[key] = [[self._times[mark], mark] for mark in self._fresh]
            self._rows[key], self._fresh = self._fresh, []
        for key in sorted(self._rows):
            newest = int(key.split("|")[1])
            # Invariant 8: a server that repeats one time for ever must not fill the memory.
            if newest >= horizon and len(self._times) <= MOST:
                break
            changed[key] = None
            for mark in self._rows.pop(key):
                self._times.pop(mark, None)
        return changed
