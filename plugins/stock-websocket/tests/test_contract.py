"""The contract of stock-websocket, one class for each kind of provider."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Self

from connectors_core.testing import Gate, Request, SourceContract
from pyconnect_stock_websocket import StockWebSocket
from pyconnect_stock_websocket.testing import HISTORY, Client, Upstream
from pyconnect_stock_websocket.testing_market import Made, Market

BEGIN_MS, STEP_MS, TRADES = 4_000_000_000_000, 500, 7
WAKE_SECONDS = 0.1
"""Trades are promised from the first offset on, which must be committed before the first of them."""


class Scripted(Upstream):
    """A market that makes seven trades of each symbol, at fixed times, once it was asked for.

    The stream loses those of `lost` of the first symbol; the history has them.
    """

    provider: ClassVar[str]
    symbols: ClassVar[tuple[str, ...]]
    lost: ClassVar[frozenset[int]] = frozenset()

    def __init__(self) -> None:
        super().__init__(rate=0)
        self._asked: set[str] = set()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.gate = await self._stack.enter_async_context(Gate(self.port))
        return self

    @property
    def requests(self) -> list[Request]:
        return [*self._http.requests, *self.gate.requests]

    def config(self) -> dict[str, Any]:
        return {
            **super().config(),
            "base_url": f"ws://127.0.0.1:{self.gate.port}/ws",
            "provider": self.provider,
            "symbols": list(self.symbols),
            "answer_seconds": 0.5,
        }

    async def fault(self, kind: str) -> None:
        await self._http.fault(kind)
        await self.gate.fault(kind)

    def expected(self) -> list[Any]:  # type: ignore[override]
        made = [_market(symbol, HISTORY + TRADES).trades for symbol in self.symbols]
        return [self._value(each) for some in made for each in [*some][HISTORY:]]

    def market(self, symbol: str) -> Market:
        if symbol not in self.markets:
            self.markets[symbol] = _market(symbol, HISTORY)
        return self.markets[symbol]

    def _want(self, client: Client, dialect: str, symbols: list[str]) -> None:
        super()._want(client, dialect, symbols)
        fresh = [symbol for symbol in symbols if symbol not in self._asked]
        self._asked.update(fresh)
        self._tasks += [asyncio.create_task(self._open(symbol)) for symbol in fresh]

    async def _open(self, symbol: str) -> None:
        await asyncio.sleep(WAKE_SECONDS)
        for number in range(TRADES):
            made = _make(self.market(symbol))
            if symbol != self.symbols[0] or number not in self.lost:
                await self.send(symbol, [made])

    def _value(self, made: Made) -> dict[str, Any]:
        number = made.upbit_id if self.provider == "upbit" else made.number
        side = "BUY" if made.buy else "SELL"
        own: dict[str, Any] = {"trade_id": str(number)}
        if self.provider == "kis":
            own = {"cumulative_volume": Decimal(made.volume)}
        return {
            "symbol": made.symbol, "price": made.price, "size": made.size, "side": side, **own
        }  # fmt: skip


def _market(symbol: str, trades: int) -> Market:
    market = Market(symbol)
    for _ in range(trades):
        _make(market)
    return market


def _make(market: Market) -> Made:
    return market.make(BEGIN_MS + len(market.trades) * STEP_MS)


class BinanceMarket(Scripted):
    provider, symbols, lost = "binance", ("BTCUSDT", "ETHUSDT"), frozenset({2, 3})


class UpbitMarket(Scripted):
    """Its overlap is shorter than what the history has, so that a page shows where it begins."""

    provider, symbols = "upbit", ("KRW-BTC", "KRW-ETH")

    def config(self) -> dict[str, Any]:
        return {**super().config(), "overlap_seconds": 3}


class KisMarket(Scripted):
    """Only its stream does harm: its desk gives out keys all the same."""

    provider, symbols = "kis", ("005930",)

    async def fault(self, kind: str) -> None:
        await self.gate.fault(kind)


class PlainMarket(KisMarket):
    provider, symbols = "generic", ("ABC", "DEF")

    def config(self) -> dict[str, Any]:
        feed = {"subscribe": [{"symbol": "{symbol}"}], "id": "id", "side": "side"}
        return {**super().config(), "generic": {**feed, "buy": ["buy"], "sell": ["sell"]}}


class Live(SourceContract):
    source = StockWebSocket

    @staticmethod
    def comparable(value: Mapping[str, Any]) -> Any:
        """What a trade is; `cause` is a gap's, of which none is expected."""
        names = ("symbol", "trade_id", "side", "cause")
        numbers = [value.get(name) for name in ("price", "size", "cumulative_volume")]
        exact = [None if each is None else f"{Decimal(each).normalize():f}" for each in numbers]
        return [*(value.get(name) for name in names), *exact]


class TestBinance(Live):
    upstream = BinanceMarket
    capabilities = {"replayable", "ordered", "splits"}


class TestUpbit(Live):
    upstream = UpbitMarket
    capabilities = {"replayable", "ordered", "splits"}


class TestKis(Live):
    """One session a key, so nothing is split; no history, so nothing is read again."""

    upstream = KisMarket
    capabilities = {"live_only", "ordered"}


class TestGeneric(Live):
    upstream = PlainMarket
    capabilities = {"live_only", "ordered", "splits"}


del Live
