"""Numbered: ids without holes (Binance), so that every hole is seen and its size is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors_core import Offset, Record, Reject
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.gap import PARTIAL, SEQUENCE, UNFILLABLE
from pyconnect_stock_websocket.provider import Page
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


class Numbered(Tracker):
    """The offset is the last id, and everything up to it was given or declared."""

    def __init__(self, place: Place, offset: Offset | None) -> None:
        super().__init__(place, offset)
        self.id = None if offset is None else self._stored(offset, "id", int)
        self._history = place.provider.numbered
        self._budget = place.backfill_max
        self._caught_up = False

    def position(self) -> Mapping[str, Any]:
        """Return the last id."""
        return {"id": self.id}

    async def start(self) -> Items:
        """Note the newest id, so that nothing from here on can be missed; or catch up by REST."""
        if self.fresh:
            await self._anchor()
            async for item in super().start():
                yield item
        elif self.id is not None and self._history is not None:
            async for item in self._pages(None):
                self._caught_up = True
                yield item

    async def _anchor(self) -> None:
        if self._history is None:
            return
        try:
            latest = await self._history.latest(self.place.symbol)
        except Refused:
            self._history = None
            return
        if latest is not None:
            self.id = latest.seq

    def hole(self, event: Trade | Bad) -> bool:
        """Ids say it; before the first id was known, any connection but the first may have one."""
        if event.seq is None:
            return False
        if self.id is None:
            return not self.fresh and not self.live
        return event.seq > self.id + 1

    async def fill(self, event: Trade | Bad) -> Items:
        """Fetch the missing ids; declare those that can't be had."""
        if event.seq is None:
            return
        cause = SEQUENCE if self.live else self.place.cause
        filled = self._caught_up and not self.live
        if self.id is not None and self._history is not None:
            async for item in self._pages(event.seq, cause):
                filled = True
                yield item
        if self.id is None or event.seq > self.id + 1:
            yield self._declare(event.seq, event_time(event), cause, filled)

    def _declare(self, until: int, to_us: int, cause: str, filled: bool) -> Record:
        """Declare the ids before `until`."""
        known = {} if self.id is None else {"from_id": self.id + 1, "to_id": until - 1}
        gap = self.gap(to_us, cause, PARTIAL if filled else UNFILLABLE, **known)
        self.id = until - 1
        gap.offset = self.mark()
        return gap

    async def _pages(self, until: int | None, cause: str | None = None) -> Items:
        """Give the history after the last id, up to `until` or to its end."""
        attempts = 0
        while self._budget > 0 and (until is None or self._next < until):
            fresh = self._new(await self._page(), until)
            if not fresh:
                attempts += 1
                if until is None or attempts >= LAG_ATTEMPTS or self._history is None:
                    return
                await asyncio.sleep(LAG_SECONDS)
                continue
            self._budget -= len(fresh)
            for event in fresh:
                if event.seq is not None and event.seq > self._next:
                    why = cause or self.place.cause
                    yield self._declare(event.seq, event_time(event), why, filled=True)
                yield self._give(event, BACKFILL)

    @property
    def _next(self) -> int:
        return 0 if self.id is None else self.id + 1

    async def _page(self) -> Page:
        if self._history is None:
            return []
        try:
            return await self._history.after(self.place.symbol, self._next)
        except Refused:
            self._history = None
            return []

    def _new(self, page: Page, until: int | None) -> Page:
        """Leave out what was given, what comes live, and rows without a usable id: their ids
        are then missing, and declared."""
        return [
            event
            for event in page
            if event.seq is not None
            and event.seq >= self._next
            and (until is None or event.seq < until)
        ]

    def accept(self, event: Trade | Bad) -> list[Item]:
        """Give what is newer than the last id."""
        self.live = self.live or event.seq is not None
        if event.seq is not None and self.id is not None and event.seq <= self.id:
            return []
        return [self._give(event, LIVE)]

    def _give(self, event: Trade | Bad, way: str) -> Record | Reject:
        if event.seq is not None:
            self.id = event.seq
        if isinstance(event, Bad):
            return self.reject(event)
        record = self.record(event, way)
        record.offset = self.mark()
        return record
