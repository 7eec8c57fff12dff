"""Unconfirmed: the subscriptions that the provider has not confirmed yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from connectors_core import Retry
from pyconnect_stock_websocket.event import Event, Ready
from pyconnect_stock_websocket.trade import Trade


class Unconfirmed:
    """A symbol without an answer in time is an error, never a feed that is silent for ever."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = set(symbols)
        self._due = 0.0
        self._seconds = 0.0

    def start(self, seconds: float) -> None:
        """Start the time that the provider has."""
        self._seconds = seconds
        self._due = self._now() + seconds

    def patience(self) -> float | None:
        """Return how long to wait for the next message; None: no confirmation is awaited."""
        return max(0.0, self._due - self._now()) if self._symbols else None

    def hear(self, event: Event) -> None:
        """Take what an event says of the subscriptions; a trade is as good as a confirmation."""
        if not self._symbols or not isinstance(event, Trade | Ready):
            return
        if event.symbol is None:
            self._symbols.clear()
        else:
            self._symbols.discard(event.symbol)

    def check(self) -> None:
        """Raise Retry, naming the symbols, if the time is over."""
        if self._symbols and self._now() >= self._due:
            names = ", ".join(sorted(self._symbols)[:10])
            raise Retry(
                f"no confirmation of {names} within {self._seconds:g} s.", code="retry.unconfirmed"
            )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
