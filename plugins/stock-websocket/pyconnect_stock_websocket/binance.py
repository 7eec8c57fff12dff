"""Binance spot: raw and combined frames, ids without holes.

https://github.com/binance/binance-spot-api-docs: web-socket-streams.md, rest-api.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad, Event, Ready, bad, decode, encode, parse
from pyconnect_stock_websocket.provider import Habits, Page, Provider
from pyconnect_stock_websocket.rest import Refused, Rest
from pyconnect_stock_websocket.trade import (
    BUY,
    SELL,
    Malformed,
    Trade,
    amount,
    exact,
    millis,
    text_of,
    whole,
)

PAGE = 1000
_SUBSCRIBE, _PROBE = 1, 2
_UNKNOWN_SYMBOL = {"-1121", "-1100"}


class Binance(Provider):
    """Trades of Binance spot, from the hosts that carry market data only."""

    name = "binance"
    rest_rate: ClassVar[float] = 4.0  # historicalTrades weighs 25 of 6,000 a minute

    def __init__(self, config: StockConfig) -> None:
        super().__init__()
        self.label, self.venue = "binance", "BINANCE"
        self.url = config.base_url or "wss://data-stream.binance.vision/ws"
        self.rest_url = config.rest_url or "https://data-api.binance.vision"
        self.habits = Habits(
            message_seconds=config.message_seconds or 60.0,
            # A pair may be quiet for hours; this is answered by a message at any time.
            ping=json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": _PROBE}),
            ping_seconds=25.0,
            blocked=frozenset({403, 418}),  # 403: the firewall's limit, passes by itself
            blocked_seconds=300.0,
            confirms=True,
        )

    async def prepare(self, rest: Rest) -> None:
        """Make the history."""
        self.numbered = BinanceHistory(rest)

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """Return one message for all symbols."""
        streams = [f"{symbol.lower()}@trade" for symbol in symbols]
        return [json.dumps({"method": "SUBSCRIBE", "params": streams, "id": _SUBSCRIBE})]

    def read(self, frame: str | bytes) -> list[Event]:
        """Return the trade of a raw or a combined frame."""
        try:
            text = decode(frame)
            message = parse(text)
        except Malformed as error:
            return [Bad(str(error), frame if isinstance(frame, bytes) else encode(frame))]
        if isinstance(message, dict) and "stream" in message and "data" in message:
            message = message["data"]
        if not isinstance(message, dict):
            return [Bad("not an object", encode(text))]
        kind = message.get("e")
        if kind == "trade":
            return [live_trade(message, text)]
        if kind == "serverShutdown":
            raise Retry("Binance: the server is about to shut down.", code="retry.closed")
        return self._control(message)

    def _control(self, message: dict[str, Any]) -> list[Event]:
        error = message.get("error", message if "code" in message and "msg" in message else None)
        if error is not None:
            inner = error if isinstance(error, dict) else {}
            said = self.redactor.clean(f"{inner.get('code', '')} {inner.get('msg', error)}")
            raise ConfigError(
                f"symbols: Binance refused the subscription: {said}", code="config.stock.symbols"
            )
        confirmed = "result" in message and message.get("id") == _SUBSCRIBE
        return [Ready()] if confirmed else []


def live_trade(message: dict[str, Any], text: str) -> Trade | Bad:
    """Read a trade event; `m`: the buyer was the maker, so the aggressor sold."""
    symbol, seq = message.get("s"), message.get("t")
    try:
        return _trade(
            symbol, seq, message.get("p"), message.get("q"), message.get("T"), message.get("m")
        )
    except Malformed as error:
        return bad(error, text, symbol=symbol, seq=seq)


def _trade(symbol: Any, seq: Any, price: Any, size: Any, when: Any, maker: Any) -> Trade:
    name, number = text_of(symbol, "symbol"), whole(seq, "trade id")
    if not isinstance(maker, bool):
        raise Malformed(f"buyer-is-maker must be true or false, got {str(maker)[:40]!r}")
    return Trade(
        provider="binance",
        venue="BINANCE",
        symbol=name,
        symbol_native=name,
        trade_id=str(number),
        seq=number,
        price=exact(price, "price"),
        size=amount(size, "quantity"),
        side=SELL if maker else BUY,
        event_us=millis(when, "trade time"),
        event_id=f"binance:{name}:{number}",
    )


class BinanceHistory:
    """GET /api/v3/historicalTrades: ascending from an id, at most 1,000."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def latest(self, symbol: str) -> Trade | None:
        """Return the newest trade. Raises ConfigError for a symbol that Binance does not know."""
        page = await self._page(symbol, limit=1)
        return next((each for each in page if isinstance(each, Trade)), None)

    async def after(self, symbol: str, first: int) -> Page:
        """Return up to 1,000 trades from id `first` on."""
        return await self._page(symbol, limit=PAGE, fromId=first)

    async def _page(self, symbol: str, **params: int) -> Page:
        try:
            rows = await self._rest.get("/api/v3/historicalTrades", symbol=symbol, **params)
        except Refused as refused:
            if refused.code in _UNKNOWN_SYMBOL:
                raise ConfigError(
                    f"symbols: Binance does not know {symbol} ({refused.message}).",
                    code="config.stock.symbols",
                ) from None
            raise
        if not isinstance(rows, list):
            raise Retry("Binance: historicalTrades is not a list.", code="retry.upstream")
        return sorted((past_trade(symbol, row) for row in rows), key=lambda each: each.seq or 0)


def past_trade(symbol: str, row: Any) -> Trade | Bad:
    """Read a row of the history: the same event_id and value as live."""
    if not isinstance(row, dict):
        return Bad("not an object", encode(str(row)), symbol=symbol)
    seq = row.get("id")
    try:
        return _trade(
            symbol, seq, row.get("price"), row.get("qty"), row.get("time"), row.get("isBuyerMaker")
        )
    except Malformed as error:
        return bad(error, str(row), symbol=symbol, seq=seq)
