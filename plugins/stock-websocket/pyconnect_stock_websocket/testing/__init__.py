"""What stock-websocket is tested with: a fake market, recordings sent again, and its contracts."""

from __future__ import annotations

from pyconnect_stock_websocket.testing.contract import (
    BinanceContract,
    GenericContract,
    KisContract,
    UpbitContract,
)
from pyconnect_stock_websocket.testing.replay import (
    APP_KEY,
    APP_SECRET,
    APPROVAL,
    Replay,
    recorded,
)
from pyconnect_stock_websocket.testing.upstream import Upstream, event_id

__all__ = [
    "APPROVAL",
    "APP_KEY",
    "APP_SECRET",
    "BinanceContract",
    "GenericContract",
    "KisContract",
    "Replay",
    "UpbitContract",
    "Upstream",
    "event_id",
    "recorded",
]
