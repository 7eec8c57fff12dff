"""Generic: any WebSocket that sends trades as JSON, described in the configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors_core import ConfigError
from pyconnect_stock_websocket.config import GenericFeed, StockConfig
from pyconnect_stock_websocket.event import Bad, Event, bad, decode, encode, parse
from pyconnect_stock_websocket.provider import Habits, Provider
from pyconnect_stock_websocket.trade import (
    BUY,
    SELL,
    UNKNOWN,
    Malformed,
    Trade,
    amount,
    exact,
    in_range,
    micros_of,
    scaled,
    text_of,
)

_NANOS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


class Generic(Provider):
    """Trades of a described feed. What can't be shown complete after a reconnect is declared."""

    name = "generic"

    def __init__(self, config: StockConfig) -> None:
        super().__init__()
        self._feed = feed = config.generic or GenericFeed()
        url = config.base_url or (feed.url.get_secret_value() if feed.url else "")
        if not url:
            raise ConfigError(
                "generic.url: provider generic needs the address of the feed.",
                code="config.stock.url",
            )
        self.redactor.learn(url)
        for _, secret in parse_qsl(urlsplit(url).query):
            self.redactor.learn(secret)
        self.label, self.venue, self.url = feed.label, feed.venue, url
        self.rest_url = config.rest_url or ""
        self.has_ids = feed.id is not None
        self.habits = Habits(
            message_seconds=config.message_seconds or 60.0,
            ping=feed.ping,
            ping_seconds=feed.ping_seconds,
        )

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """Fill the templates."""
        return [
            json.dumps(_fill(template, symbol, symbols), ensure_ascii=False)
            for template in self._feed.subscribe
            for symbol in (symbols if _names_one(template) else [""])
        ]

    def read(self, frame: str | bytes) -> list[Event]:
        """Return the trades of a message that matches `where`."""
        try:
            text = decode(frame)
            message = parse(text)
        except Malformed as error:
            return [Bad(str(error), frame if isinstance(frame, bytes) else encode(frame))]
        if any(str(find(message, path)) != text for path, text in self._feed.where.items()):
            return []
        found = find(message, self._feed.items)
        rows = found if isinstance(found, list) else [found]
        return [self._row(row, at) for at, row in enumerate(rows)]

    def _row(self, row: Any, position: int) -> Trade | Bad:
        symbol = find(row, self._feed.symbol)
        try:
            return _trade(self._feed, row, text_of(symbol, "symbol"), position)
        except Malformed as error:
            return bad(error, json.dumps(row, default=str), symbol=symbol)


def _trade(feed: GenericFeed, row: Any, symbol: str, position: int) -> Trade:
    price = exact(find(row, feed.price), "price")
    size = amount(find(row, feed.size), "size")
    nanos = _nanos(find(row, feed.time), feed.time_unit)
    trade_id = _id(find(row, feed.id)) if feed.id is not None else None
    # Equal trades of one message are real trades: their place in it tells them apart.
    own = trade_id or f"{nanos}:{price}:{size}:{position}"
    return Trade(
        provider=feed.label,
        venue=feed.venue,
        symbol=symbol,
        symbol_native=symbol,
        trade_id=trade_id,
        seq=int(trade_id) if trade_id and trade_id.isdigit() and len(trade_id) <= 18 else None,
        price=price,
        size=size,
        side=_side(feed, row),
        event_us=in_range(nanos // 1000, "time"),
        event_ns=nanos if nanos % 1000 else None,
        event_id=f"{feed.label}:{symbol}:{own}",
    )


def _side(feed: GenericFeed, row: Any) -> str:
    value = None if feed.side is None else str(find(row, feed.side))
    return BUY if value in feed.buy else SELL if value in feed.sell else UNKNOWN


def _id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_of(value, "id")


def _nanos(value: Any, unit: str) -> int:
    if unit != "iso":
        number = scaled(exact(value, "time"), _NANOS[unit])
        if number != number.to_integral_value() or number < 0 or number.adjusted() > 20:
            raise Malformed(f"time is finer than ns or out of range: {str(value)[:40]!r}")
        return int(number)
    text = text_of(value, "time")
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :] if dot else ""
    if len(digits) > 9:
        raise Malformed(f"time is finer than ns: {text[:40]!r}")
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError as error:
        raise Malformed(f"time is not RFC 3339: {text[:40]!r}") from error
    if moment.tzinfo is None:
        raise Malformed(f"time has no zone: {text[:40]!r}")
    return micros_of(moment) * 1000 + int(Decimal(f"0.{digits or 0}") * 1_000_000_000)


def find(message: Any, path: str) -> Any:
    """Return what a path leads to; None if it leads nowhere."""
    for name in _steps(path):
        if isinstance(message, dict):
            message = message.get(name)
        elif isinstance(message, list) and name.isdigit() and int(name) < len(message):
            message = message[int(name)]
        else:
            return None
    return message


def _steps(path: str) -> Iterator[str]:
    return iter(path.split(".")) if path else iter(())


def _names_one(template: Any) -> bool:
    return "{symbol}" in json.dumps(template)


def _fill(template: Any, symbol: str, symbols: Sequence[str]) -> Any:
    if isinstance(template, dict):
        return {name: _fill(value, symbol, symbols) for name, value in template.items()}
    if isinstance(template, list):
        return [_fill(value, symbol, symbols) for value in template]
    if template == "{symbols}":
        return list(symbols)
    return template.replace("{symbol}", symbol) if isinstance(template, str) else template
