"""Watchlist: since when each keyword is counted, so that a new one is not told as if it always was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors_core import State

PREFIX = "watch|"


class Watchlist:
    """The keywords of the config by folded form, and since when (us of event time) they count."""

    def __init__(
        self, names: Mapping[str, str], since: dict[str, int], fresh: dict[str, Any]
    ) -> None:
        self.names = names
        self._since = since
        self._fresh = fresh

    @classmethod
    def load(cls, state: State, names: Mapping[str, str], match: str, now: int) -> Watchlist:
        """Compare the config with what was stored; `now` is event time, 0 before the first event."""
        stored: dict[str, Any] = {}
        after = ""
        while rows := state.scan(PREFIX, after=after):
            stored.update((key[len(PREFIX) :], value) for key, value in rows)
            after = rows[-1][0]
        since: dict[str, int] = {}
        fresh: dict[str, Any] = {PREFIX + norm: None for norm in stored if norm not in names}
        for norm in names:
            since[norm], how = stored.get(norm, (now, None))
            if how != match:
                since[norm] = now
                fresh[PREFIX + norm] = [now, match]
        return cls(names, since, fresh)

    def rows(self) -> dict[str, Any]:
        """Return the rows that changed, once."""
        fresh, self._fresh = self._fresh, {}
        return fresh

    def counted_since(self, norm: str, us: int) -> bool:
        """Say whether a keyword, still in the config, was counted from `us` on."""
        return norm in self._since and self._since[norm] <= us
