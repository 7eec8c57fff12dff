"""pyconnect-stock-websocket: live trades over WebSocket as a source of pyconnect."""

from __future__ import annotations

from typing import Any

from connectors_core import Source, hookimpl
from pyconnect_stock_websocket.source import StockWebSocket

__all__ = ["StockWebSocket"]


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    """Bring the source."""
    return [StockWebSocket]
