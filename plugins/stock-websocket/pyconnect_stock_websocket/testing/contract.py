"""The contracts of stock-websocket, one for each kind of provider."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors_core.testing import SourceContract
from pyconnect_stock_websocket.source import StockWebSocket
from pyconnect_stock_websocket.testing.scripted import (
    BinanceMarket,
    KisMarket,
    PlainMarket,
    UpbitMarket,
)


class _Live(SourceContract):
    source = StockWebSocket

    @staticmethod
    def comparable(value: Mapping[str, Any]) -> Any:
        """What a trade is; `cause` is a gap's, of which none is expected."""
        names = ("symbol", "trade_id", "side", "cause")
        numbers = [value.get(name) for name in ("price", "size", "cumulative_volume")]
        exact = [None if each is None else f"{Decimal(each).normalize():f}" for each in numbers]
        return [*(value.get(name) for name in names), *exact]


class BinanceContract(_Live):
    """Ids without holes."""

    upstream = BinanceMarket
    capabilities = frozenset({"replayable", "ordered", "splits"})


class UpbitContract(_Live):
    """Ids that are unique and not in order."""

    upstream = UpbitMarket
    capabilities = frozenset({"replayable", "ordered", "splits"})


class KisContract(_Live):
    """One session a key, so nothing is split; no history, so nothing is read again."""

    upstream = KisMarket
    capabilities = frozenset({"live_only", "ordered"})


class GenericContract(_Live):
    """A feed of one's own, without a history."""

    upstream = PlainMarket
    capabilities = frozenset({"live_only", "ordered", "splits"})
