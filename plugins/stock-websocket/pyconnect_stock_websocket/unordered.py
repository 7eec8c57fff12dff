"""Unordered: ids are unique, but a lower id may come later (Upbit), so no "newest id" will do.

In a recording of 303 trades of Upbit 6 were out of order. What was given within `overlap_seconds`
of the newest event time is kept by id in keyed state, in the same commit as the trade.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from typing import Any

from connectors_core import Batch, Offset, Record, Reject, State
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.gap import PARTIAL, UNFILLABLE
from pyconnect_stock_websocket.provider import Window
from pyconnect_stock_websocket.rest import Refused
from pyconnect_stock_websocket.tracker import (
    BACKFILL,
    LAG_ATTEMPTS,
    LAG_SECONDS,
    LIVE,
    Item,
    Items,
    Place,
    Tracker,
    event_time,
)
from pyconnect_stock_websocket.trade import Trade

SEEN = "seen|"
SEEN_MAX = 100_000
"""The most ids that are kept; a bound for memory (invariant 8), not reached in practice."""


class Unordered(Tracker):
    """The offset is the newest event time; which trades around it were given is in the state."""

    def __init__(self, place: Place, offset: Offset | None, state: State) -> None:
        super().__init__(place, offset)
        self._history = place.provider.unordered
        self._seen: set[str] = set()
        self._oldest: list[tuple[int, str]] = []
        self._live_us: int | None = None
        for trade_id, us in _rows(state):
            self._remember(trade_id, us)

    def _remember(self, trade_id: str, us: int) -> None:
        self._seen.add(trade_id)
        heapq.heappush(self._oldest, (us, trade_id))

    def _forget(self) -> dict[str, Any]:
        """Drop what is older than the overlap; return the state rows to delete.

        By the time of the stream: its messages wait while the history is asked, and what the
        history gave comes again with them.
        """
        gone: dict[str, Any] = {}
        reached = self.us if self._live_us is None else min(self.us, self._live_us)
        start = reached - self.place.overlap_us
        while self._oldest and (self._oldest[0][0] < start or len(self._seen) > SEEN_MAX):
            _, trade_id = heapq.heappop(self._oldest)
            self._seen.discard(trade_id)
            gone[SEEN + trade_id] = None
        return gone

    async def start(self) -> Items:
        """Note the newest trades as given, so that nothing after them can be missed; or catch
        up by REST before connecting, so that a long hole does not fill the socket's queue."""
        if self.fresh and (anchor := await self._anchor()) is not None:
            yield anchor
        elif self.fresh:
            async for item in super().start():
                yield item
        elif self._history is not None:
            async for item in self._caught_up():
                yield item

    async def _anchor(self) -> Batch | None:
        if self._history is None:
            return None
        try:
            page = await self._history.newest(self.place.symbol)
        except Refused:
            self._history = None
            return None
        trades = [each for each in page if isinstance(each, Trade) and each.trade_id]
        if not trades:
            return None
        self.us = max(each.event_us for each in trades)
        state = self._seen_rows(trades)
        self.fresh = False
        return Batch(offset=self.mark(), state=state, partition=self.place.partition)

    def _seen_rows(self, trades: list[Trade]) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        for trade in trades:
            if trade.event_us >= self.us - self.place.overlap_us and trade.trade_id:
                self._remember(trade.trade_id, trade.event_us)
                rows[SEEN + trade.trade_id] = trade.event_us
        return rows

    def hole(self, event: Trade | Bad) -> bool:
        """Only the first event of a connection can have one before it."""
        return not self.live and event.trade_id is not None

    async def fill(self, event: Trade | Bad) -> Items:
        """Fetch the span between the last event given and the first live one."""
        filled = False
        self._live_us = event_time(event)
        for attempt in range(LAG_ATTEMPTS):
            # From the newest time each round: what is older than the overlap is forgotten.
            window = await self._window()
            if window is None:
                break
            for item in self._given(window):
                filled = True
                yield item
            if _reached(window, event):
                return
            if attempt + 1 < LAG_ATTEMPTS:
                await asyncio.sleep(LAG_SECONDS)
        if not self.fresh:
            yield self._declare(event_time(event), PARTIAL if filled else UNFILLABLE)

    async def _caught_up(self) -> Items:
        window = await self._window()
        if window is not None:
            for item in self._given(window):
                yield item

    async def _window(self) -> Window | None:
        if self._history is None:
            return None
        since = self.us - self.place.overlap_us
        try:
            return await self._history.since(self.place.symbol, since, self.place.backfill_max)
        except Refused:
            self._history = None
            return None

    def _given(self, window: Window) -> Iterator[Item]:
        if not window.complete and not self.fresh:
            first = next((each for each in window.trades if isinstance(each, Trade)), None)
            if first is not None and first.event_us > self.us:
                yield self._declare(first.event_us, PARTIAL)
        for event in window.trades:
            yield from self._give(event, BACKFILL)

    def _declare(self, to_us: int, status: str) -> Record:
        gap = self.gap(to_us, self.place.cause, status)
        self.us = max(self.us, to_us)
        gap.offset = self.mark()
        return gap

    def accept(self, event: Trade | Bad) -> list[Item]:
        """Give what was not given, also with a lower id."""
        self.live = self.live or event.trade_id is not None
        if isinstance(event, Trade):
            self._live_us = max(self._live_us or 0, event.event_us)
        return self._give(event, LIVE)

    def _give(self, event: Trade | Bad, way: str) -> list[Item]:
        trade_id = event.trade_id or ""
        if isinstance(event, Bad) and not trade_id:
            return [self.reject(event)]
        if trade_id in self._seen:
            return []
        if isinstance(event, Bad):
            return self._noted_reject(event, trade_id)
        record = self.record(event, way)
        state = self._note(trade_id, event.event_us)
        return [Batch([record], self.mark(), state, self.place.partition)]

    def _note(self, trade_id: str, us: int) -> dict[str, Any]:
        self._remember(trade_id, us)
        return {SEEN + trade_id: us, **self._forget()}

    def _noted_reject(self, event: Bad, trade_id: str) -> list[Item]:
        """The Reject has no offset: it belongs to the unit that the Batch closes."""
        state = self._note(trade_id, self.us)
        place = self.place.partition
        return [
            Reject(event.reason, event.raw, partition=place),
            Batch(offset=self.mark(), state=state, partition=place),
        ]


def _reached(window: Window, event: Trade | Bad) -> bool:
    """Say whether the history shows the live event, and so everything before it."""
    return any(each.trade_id == event.trade_id for each in window.trades)


def _rows(state: State) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = []
    after = ""
    while page := state.scan(SEEN, after=after):
        rows.extend((key.removeprefix(SEEN), us) for key, us in page if isinstance(us, int))
        after = page[-1][0]
    return rows
