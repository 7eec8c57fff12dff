"""Gap: what may be missing, said aloud."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyconnect_stock_websocket.trade import instant

RESTART, DISCONNECT, SEQUENCE = "RESTART", "DISCONNECT", "SEQUENCE"
UNFILLABLE, PARTIAL = "UNFILLABLE", "PARTIAL"


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of one symbol in which trades may be missing; times in us since the epoch, UTC."""

    provider: str
    venue: str
    symbol: str
    from_us: int
    to_us: int
    cause: str
    status: str = UNFILLABLE
    from_id: int | None = None
    to_id: int | None = None
    missing_volume: Decimal | None = None

    @property
    def event_id(self) -> str:
        """Return the same id whenever the same span is declared."""
        start = self.from_us if self.from_id is None else self.from_id
        end = self.to_us if self.to_id is None else self.to_id
        return f"gap:{self.provider}:{self.symbol}:{start}:{end}"

    def value(self) -> dict[str, Any]:
        """Return the record's value."""
        return {
            "provider": self.provider,
            "venue": self.venue,
            "symbol": self.symbol,
            "from": instant(self.from_us),
            "to": instant(self.to_us),
            "from_id": self.from_id,
            "to_id": self.to_id,
            "missing_volume": self.missing_volume,
            "cause": self.cause,
            "status": self.status,
        }

    def __str__(self) -> str:
        if self.from_id is not None:
            span = f"ids {self.from_id}..{self.to_id}"
        else:
            span = f"{instant(self.from_us):%FT%TZ}..{instant(self.to_us):%FT%TZ}"
        return f"{span} {self.cause} {self.status}"
