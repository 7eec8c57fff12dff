"""Upbit: binary frames with JSON, DEFAULT and SIMPLE names, ids that are unique but not in order.

https://docs.upbit.com/kr/reference/websocket-trade, .../reference/list-pair-trades
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad, Event, bad, decode, encode, parse
from pyconnect_stock_websocket.provider import Habits, Page, Provider, Window
from pyconnect_stock_websocket.rest import Refused, Rest
from pyconnect_stock_websocket.trade import (
    BUY,
    SELL,
    UNKNOWN,
    Malformed,
    Trade,
    amount,
    exact,
    millis,
    text_of,
    whole,
)

PAGE = 500
DAYS = 7
_DAY_US = 86_400_000_000
_FATAL = {"INVALID_AUTH", "INVALID_PARAM", "NO_CODES", "NO_TICKET", "NO_TYPE", "WRONG_FORMAT"}
_SIDES = {"ASK": SELL, "BID": BUY}
"""ask_bid is the taker's: ASK sold into the bids."""


class Upbit(Provider):
    """Trades of Upbit. Without `is_only_realtime` it sends the last trade of each pair at once,
    which shows that the subscription lives."""

    name = "upbit"
    rest_rate: ClassVar[float] = 8.0

    def __init__(self, config: StockConfig) -> None:
        super().__init__()
        self.label, self.venue = "upbit", "UPBIT"
        self.url = config.base_url or "wss://api.upbit.com/websocket/v1"
        self.rest_url = config.rest_url or "https://api.upbit.com"
        self.habits = Habits(message_seconds=config.message_seconds or 100.0, ping="PING")

    async def prepare(self, rest: Rest) -> None:
        """Make the history."""
        self.unordered = UpbitHistory(rest)

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """Return one message: a second one would replace the first."""
        ticket = {"ticket": str(uuid.uuid4())}
        wanted = {"type": "trade", "codes": list(symbols)}
        return [json.dumps([ticket, wanted, {"format": "DEFAULT"}])]

    def read(self, frame: str | bytes) -> list[Event]:
        """Return the trade of a frame."""
        try:
            text = decode(frame)
        except Malformed as error:
            return [Bad(str(error), frame if isinstance(frame, bytes) else encode(frame))]
        try:
            message = parse(text)
        except Malformed as error:
            return [bad(error, text)]
        if not isinstance(message, dict):
            return [Bad("not an object", encode(text))]
        if "error" in message:
            raise self._refusal(message["error"])
        if message.get("type", message.get("ty")) != "trade":
            return []
        return [live_trade(message, text)]

    def _refusal(self, error: Any) -> ConfigError | Retry:
        name = str(error.get("name", "")) if isinstance(error, dict) else ""
        said = self.redactor.clean(error.get("message", "") if isinstance(error, dict) else error)
        if name in _FATAL:
            return ConfigError(
                f"symbols: Upbit refused the subscription: {name} {said}",
                code="config.stock.symbols",
            )
        return Retry(
            f"Upbit: {self.redactor.clean(name)} {said}", after=10.0, code="retry.upstream"
        )


def live_trade(message: dict[str, Any], text: str) -> Trade | Bad:
    """Read a trade message in DEFAULT or SIMPLE names."""
    symbol = message.get("code", message.get("cd"))
    seq = message.get("sequential_id", message.get("sid"))
    try:
        return _trade(
            symbol,
            seq,
            message.get("trade_price", message.get("tp")),
            message.get("trade_volume", message.get("tv")),
            message.get("ask_bid", message.get("ab")),
            message.get("trade_timestamp", message.get("ttms")),
        )
    except Malformed as error:
        return bad(error, text, symbol=symbol, seq=seq)


def _trade(symbol: Any, seq: Any, price: Any, size: Any, side: Any, when: Any) -> Trade:
    code, number = text_of(symbol, "code"), whole(seq, "sequential_id")
    return Trade(
        provider="upbit",
        venue="UPBIT",
        symbol=code,
        symbol_native=code,
        trade_id=str(number),
        seq=number,
        price=exact(price, "trade_price"),
        size=amount(size, "trade_volume"),
        side=_SIDES.get(side, UNKNOWN) if isinstance(side, str) else UNKNOWN,
        event_us=millis(when, "trade_timestamp"),
        event_id=f"upbit:{code}:{number}",
    )


class UpbitHistory:
    """GET /v1/trades/ticks: newest first, at most 500, 7 days back.

    Its `timestamp` is the time of the trade, the stream's `trade_timestamp`.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def newest(self, symbol: str) -> Page:
        """Return the newest 500 trades, ascending. Raises ConfigError for an unknown pair."""
        try:
            page = await self._page(symbol, 0, None)
        except Refused as refused:
            if refused.status == 404:
                raise ConfigError(
                    f"symbols: Upbit does not know {symbol} ({refused.message}).",
                    code="config.stock.symbols",
                ) from None
            raise
        return _ordered({_id(each): each for each in page})

    async def since(self, symbol: str, start_us: int, limit: int) -> Window:
        """Page backwards, day by day, until the start is passed."""
        found: dict[str, Trade | Bad] = {}
        for days_ago in range(DAYS + 1):
            passed = await self._day(symbol, days_ago, start_us, limit, found)
            if passed or len(found) >= limit:
                return Window(_ordered(found), passed)
        return Window(_ordered(found), complete=False)

    async def _day(
        self, symbol: str, days_ago: int, start_us: int, limit: int, found: dict[str, Trade | Bad]
    ) -> bool:
        """Add one UTC day; return whether the start was passed."""
        cursor: int | None = None
        while len(found) < limit:
            page = await self._page(symbol, days_ago, cursor)
            for each in page:
                if isinstance(each, Bad) or each.event_us >= start_us:
                    found[_id(each)] = each
            if any(isinstance(each, Trade) and each.event_us < start_us for each in page):
                return True
            numbers = [each.seq for each in page if each.seq is not None]
            lowest = min(numbers, default=cursor)
            if len(page) < PAGE or lowest == cursor:
                return _reaches(page, start_us)
            cursor = lowest
        return False

    async def _page(self, symbol: str, days_ago: int, cursor: int | None) -> Page:
        params: dict[str, str | int] = {"market": symbol, "count": PAGE}
        if days_ago:
            params["days_ago"] = days_ago
        if cursor is not None:
            params["cursor"] = cursor
        rows = await self._rest.get("/v1/trades/ticks", **params)
        if not isinstance(rows, list):
            raise Retry(
                "Upbit: /v1/trades/ticks did not answer with a list.", code="retry.upstream"
            )
        return [past_trade(row) for row in rows]


def past_trade(row: Any) -> Trade | Bad:
    """Read a row of the history: the same event_id and value as live."""
    if not isinstance(row, dict):
        return Bad("not an object", encode(str(row)))
    symbol, seq = row.get("market"), row.get("sequential_id")
    try:
        return _trade(
            symbol,
            seq,
            row.get("trade_price"),
            row.get("trade_volume"),
            row.get("ask_bid"),
            row.get("timestamp"),
        )
    except Malformed as error:
        return bad(error, str(row), symbol=symbol, seq=seq)


def _reaches(page: Page, start_us: int) -> bool:
    """Say whether the last page of a UTC day shows that no earlier day is needed."""
    oldest = min((each.event_us for each in page if isinstance(each, Trade)), default=None)
    return oldest is not None and oldest // _DAY_US <= start_us // _DAY_US


def _id(each: Trade | Bad) -> str:
    return each.trade_id or f"?{hash(each)}"


def _ordered(found: dict[str, Trade | Bad]) -> Page:
    return sorted(found.values(), key=lambda each: (each.seq or 0, each.trade_id or ""))
