"""Scripted: markets that make the same trades each time, one for each kind of provider."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Self

from connectors_core.testing import Gate, Request
from pyconnect_stock_websocket.testing.market import Made, Market
from pyconnect_stock_websocket.testing.upstream import DAY_MS, HISTORY, Client, Upstream

BEGIN_MS, STEP_MS, TRADES = 4_000_000_000_000, 500, 7
PRUNED_MS, AFTERWARDS = 8 * DAY_MS, 2
"""Longer than any history goes back, and the trades of each symbol since."""


class Scripted(Upstream):
    """A market that makes seven trades of each symbol, at fixed times, as soon as it is asked for.

    The stream loses those of `lost` of the first symbol; the history has them.
    """

    provider: ClassVar[str]
    symbols: ClassVar[tuple[str, ...]]
    lost: ClassVar[frozenset[int]] = frozenset()
    again: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(rate=0)
        self._trading: set[str] = set()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.gate = await self._stack.enter_async_context(Gate(self.port))
        return self

    @property
    def requests(self) -> list[Request]:
        """What was asked of the history and of the stream."""
        return [*self._http.requests, *self.gate.requests]

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        return {
            **super().config(),
            "base_url": f"{self.gate.ws_url}/ws",
            "provider": self.provider,
            "symbols": list(self.symbols),
            "answer_seconds": 0.5,
        }

    async def fault(self, kind: str) -> None:
        """Do harm to stream and history; `prune`: eight days pass, and the market has gone on."""
        if kind == "prune":
            self._prune()
            return
        await self._http.fault(kind)
        await self.gate.fault(kind)

    def _prune(self) -> None:
        for symbol in self.symbols:
            market = self.market(symbol)
            for number in range(AFTERWARDS):
                market.make(BEGIN_MS + PRUNED_MS + number * STEP_MS)
            while len(market.trades) > AFTERWARDS:
                market.trades.popleft()

    def expected(self) -> list[Any]:  # type: ignore[override]
        """Return what of each trade is the same on every way."""
        made = [_market(symbol, HISTORY + TRADES).trades for symbol in self.symbols]
        return [self._value(each) for some in made for each in [*some][HISTORY:]]

    async def grow(self) -> list[Any]:
        """Make one more trade of each symbol, and stream it."""
        found = []
        for symbol in self.symbols:
            made = _make(self.market(symbol))
            await self.send(symbol, [made])
            found.append(self._value(made))
        return found

    def market(self, symbol: str) -> Market:
        """Return a symbol's market; a new one has traded a little."""
        if symbol not in self.markets:
            self.markets[symbol] = _market(symbol, HISTORY)
        return self.markets[symbol]

    async def _speak(self, client: Client, text: str) -> None:
        """Trade what is asked for, once that is confirmed: the first time, or `again` each time."""
        before = frozenset(client.symbols) if self.again else self._trading
        await super()._speak(client, text)
        fresh = [each for each in self.symbols if each in client.symbols - before]
        self._trading.update(fresh)
        for number in range(TRADES):
            for symbol in fresh:
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
    """Two symbols; the stream loses two trades."""

    provider, symbols, lost = "binance", ("BTCUSDT", "ETHUSDT"), frozenset({2, 3})


class UpbitMarket(Scripted):
    """Its overlap is shorter than what the history has, so that a page shows where it begins."""

    provider, symbols = "upbit", ("KRW-BTC", "KRW-ETH")

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        return {**super().config(), "overlap_seconds": 3}


class KisMarket(Scripted):
    """Only its stream does harm: its desk gives out keys all the same.

    There is no history, so that it goes on for who comes again: what they missed shows then.
    """

    provider: ClassVar[str] = "kis"
    symbols: ClassVar[tuple[str, ...]] = ("005930",)
    again = True

    async def fault(self, kind: str) -> None:
        """Do harm to the stream. Raises NotImplementedError for `prune`: nothing is kept."""
        await self.gate.fault(kind)


class PlainMarket(KisMarket):
    """A feed of one's own with two symbols."""

    provider, symbols = "generic", ("ABC", "DEF")

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        feed = {"subscribe": [{"symbol": "{symbol}"}], "id": "id", "side": "side"}
        return {**super().config(), "generic": {**feed, "buy": ["buy"], "sell": ["sell"]}}
