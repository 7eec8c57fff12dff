"""Tracker: where one symbol stands, and what of it was already given.

Three kinds, by what the provider's ids can prove: `Numbered` (ids without holes), `Unordered`
(unique ids in no strict order) and `Counted` (no ids). The invariant of all three: what was given
and what was declared as a gap are together everything from the first start until now.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from connectors_core import Batch, Offset, OffsetError, Partition, Record, Reject
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.gap import DISCONNECT, RESTART, UNFILLABLE, Gap
from pyconnect_stock_websocket.provider import Provider
from pyconnect_stock_websocket.trade import Trade

Item: TypeAlias = Record | Batch | Reject
Items: TypeAlias = AsyncGenerator[Item, None]
T = TypeVar("T", int, str)
LIVE, BACKFILL = "LIVE", "BACKFILL"
GAPS = "gaps"
LAG_ATTEMPTS = 3
LAG_SECONDS = 0.5
"""REST may show a trade a little later than the stream: ask so often, so far apart."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a tracker needs to know of its surroundings. `again`: this process read it before."""

    partition: Partition
    symbol: str
    provider: Provider
    backfill_max: int
    overlap_us: int
    again: bool

    @property
    def cause(self) -> str:
        """Return why a hole at the start of a connection is there."""
        return DISCONNECT if self.again else RESTART


class Tracker:
    """Common to all kinds: offsets, records, gaps.

    An offset is {n, us, …}: `n` counts the items given, so that no two offsets are equal; `us` is
    the newest event time in microseconds.
    """

    def __init__(self, place: Place, offset: Offset | None) -> None:
        self.place = place
        self.fresh = offset is None
        self.live = False
        self.gaps = 0
        self.last_gap: Gap | None = None
        self._n = 0
        self.us = 0
        if offset is not None:
            self._n = self._stored(offset, "n", int) or 0
            self.us = self._stored(offset, "us", int) or 0

    def _stored(self, offset: Offset, name: str, kind: type[T]) -> T | None:
        value = offset.get(name)
        if value is not None and type(value) is not kind:
            raise OffsetError(
                f"offset of {self.place.symbol}: {name} must be {kind.__name__} or null, got"
                f" {value!r}. Set a whole offset, or reset it to start at the live trades.",
                code="offset.stock",
            )
        return value

    def position(self) -> Mapping[str, Any]:
        """Return what this kind keeps in the offset beside n and us."""
        return {}

    def mark(self) -> Offset:
        """Return the offset after one more item."""
        self._n += 1
        return {"n": self._n, "us": self.us, **self.position()}

    async def start(self) -> Items:
        """Before the connection: note where to begin, or catch up."""
        if self.fresh:
            self.us = time.time_ns() // 1000
            yield Batch(offset=self.mark(), partition=self.place.partition)

    def hole(self, event: Trade | Bad) -> bool:
        """Say whether something may be missing before a live event."""
        raise NotImplementedError

    def fill(self, event: Trade | Bad) -> Items:
        """Give what is missing before an event, or declare it."""
        raise NotImplementedError

    def accept(self, event: Trade | Bad) -> list[Item]:
        """Give a live event, unless it was given before."""
        raise NotImplementedError

    def reject(self, event: Bad) -> Reject:
        """Return the Reject of what can't become a trade."""
        return Reject(event.reason, event.raw, self.mark(), self.place.partition)

    def record(self, trade: Trade, way: str) -> Record:
        """Return the record of a trade, without an offset.

        When and which way it came are headers: the value is the same live and backfilled.
        """
        self.us = max(self.us, trade.event_us)
        received = time.time_ns() // 1000
        return Record(
            trade.value(),
            key=trade.key,
            timestamp=trade.event_ms,
            headers=(
                ("event_id", trade.event_id),
                ("source", way),
                ("received_at", str(received)),
            ),
            partition=self.place.partition,
        )

    def gap(self, to_us: int, cause: str, status: str = UNFILLABLE, **span: Any) -> Record:
        """Declare a gap from the newest event until `to_us`; return its record, with no offset."""
        provider = self.place.provider
        start = span.pop("from_us", self.us)
        gap = Gap(
            provider.label,
            provider.venue,
            self.place.symbol,
            min(start, to_us),
            to_us,
            cause,
            status,
            **span,
        )
        self.gaps += 1
        self.last_gap = gap
        return Record(
            gap.value(),
            key=f"{gap.venue}:{gap.symbol}",
            topic=GAPS,
            timestamp=gap.to_us // 1000,
            headers=(("event_id", gap.event_id),),
            partition=self.place.partition,
        )


def event_time(event: Trade | Bad) -> int:
    """Return the event time in us; now, for what could not be read."""
    return event.event_us if isinstance(event, Trade) else time.time_ns() // 1000
