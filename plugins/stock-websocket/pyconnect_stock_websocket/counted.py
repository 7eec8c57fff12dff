"""Counted: no ids (KIS). The day's cumulative volume shows a hole; it can only be declared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors_core import Offset, OffsetError
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.gap import SEQUENCE
from pyconnect_stock_websocket.tracker import LIVE, Item, Items, Place, Tracker, event_time
from pyconnect_stock_websocket.trade import Trade


class Counted(Tracker):
    """The offset is the day and its cumulative volume after the last trade given.

    Without a cumulative volume (a generic feed without ids) every new connection declares a gap.
    """

    def __init__(self, place: Place, offset: Offset | None) -> None:
        super().__init__(place, offset)
        self.day: str | None = None
        self.volume: Decimal | None = None
        if offset is not None:
            self.day = self._stored(offset, "day", str)
            self.volume = self._volume(self._stored(offset, "cum", str))

    def _volume(self, text: str | None) -> Decimal | None:
        try:
            return None if text is None else Decimal(text)
        except InvalidOperation as error:
            raise OffsetError(
                f"offset of {self.place.symbol}: cum must be a number in quotes, got {text!r}.",
                code="offset.stock",
            ) from error

    def position(self) -> Mapping[str, Any]:
        """Return day and volume."""
        volume = None if self.volume is None else f"{self.volume:f}"
        return {"day": self.day, "cum": volume}

    def hole(self, event: Trade | Bad) -> bool:
        """Say whether volume is missing, or whether nothing proves that none is."""
        if isinstance(event, Bad):
            return False
        first = not self.live and not self.fresh
        if event.cumulative_volume is None or self.volume is None:
            return first
        if event.day != self.day:
            return first or event.cumulative_volume != event.size
        return event.cumulative_volume - event.size > self.volume

    async def fill(self, event: Trade | Bad) -> Items:
        """Declare the gap: KIS has no history of single trades."""
        if not isinstance(event, Trade):
            return
        before = None
        missing = None
        if event.cumulative_volume is not None:
            before = event.cumulative_volume - event.size
            if event.day == self.day and self.volume is not None:
                missing = before - self.volume
        cause = SEQUENCE if self.live else self.place.cause
        gap = self.gap(event_time(event), cause, missing_volume=missing)
        self.day, self.volume = event.day, before
        self.us = max(self.us, event.event_us)
        self.live = True
        gap.offset = self.mark()
        yield gap

    def accept(self, event: Trade | Bad) -> list[Item]:
        """Give a trade; the one that was given last comes again only as a copy."""
        if isinstance(event, Bad):
            return [self.reject(event)]
        self.live = True
        if self._copy(event):
            return []
        if event.cumulative_volume is not None:
            same = event.day == self.day and self.volume is not None
            newest = max(event.cumulative_volume, self.volume or Decimal(0))
            self.volume = newest if same else event.cumulative_volume
            self.day = event.day
        record = self.record(event, LIVE)
        record.offset = self.mark()
        return [record]

    def _copy(self, event: Trade) -> bool:
        """Two trades of one day with a size can't leave the same cumulative volume."""
        volume = event.cumulative_volume
        return volume is not None and bool(
            event.size and event.day == self.day and volume == self.volume
        )
