"""Trade: one trade in the words that all providers share, with exact numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

BUY, SELL, UNKNOWN = "BUY", "SELL", "UNKNOWN"
SCALE = 18
WHOLE_DIGITS = 20
_NUMBER = re.compile(r"[+-]?\d{1,64}(\.\d{1,64})?([eE][+-]?\d{1,3})?", re.ASCII)
_EXACT = Context(prec=128)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROS_PER_DAY = 86_400_000_000
_LAST_MICRO = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


class Malformed(ValueError):
    """A message that can't become a trade; its text says which field and why."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade.

    `side` is the aggressor's. `event_us` is in microseconds since the epoch, UTC; `event_ns` is set
    where the provider is finer. `event_id` is the same whether the trade came live, by backfill or
    by replay. `day` is the trading day to which `cumulative_volume` belongs.
    """

    provider: str
    venue: str
    symbol: str
    symbol_native: str
    price: Decimal
    size: Decimal
    side: str
    event_us: int
    event_id: str
    trade_id: str | None = None
    seq: int | None = None
    event_ns: int | None = None
    cumulative_volume: Decimal | None = None
    day: str = ""
    conditions: tuple[str, ...] = ()

    @property
    def event_ms(self) -> int:
        """Return the event time in ms since the epoch, UTC."""
        return self.event_us // 1000

    @property
    def key(self) -> str:
        """Return the record's key."""
        return f"{self.venue}:{self.symbol}"

    def value(self) -> dict[str, Any]:
        """Return the record's value: nothing in it says which way the trade came."""
        return {
            "provider": self.provider,
            "venue": self.venue,
            "symbol": self.symbol,
            "symbol_native": self.symbol_native,
            "trade_id": self.trade_id,
            "seq": self.seq,
            "price": self.price,
            "size": self.size,
            "side": self.side,
            "event_time": instant(self.event_us),
            "event_time_ns": self.event_ns,
            "cumulative_volume": self.cumulative_volume,
            "conditions": list(self.conditions),
        }


def exact(value: object, what: str) -> Decimal:
    """Return a number as it was written, in its shortest form: 127.0 and 127.000 are both 127.

    Takes text, int and Decimal. Raises Malformed for anything that decimal(38,18) can't hold
    exactly: NaN, thousands separators, more than 18 decimals or 20 whole digits.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Malformed(f"{what} must be a number, got {type(value).__name__}")
    text = str(value)
    if _NUMBER.fullmatch(text) is None:
        raise Malformed(f"{what} must be a plain number, got {text[:40]!r}")
    try:
        number = Decimal(text).normalize(_EXACT)
    except InvalidOperation as error:
        raise Malformed(f"{what} is out of range: {text[:40]!r}") from error
    return _fitting(number, what, text)


def _fitting(number: Decimal, what: str, text: str) -> Decimal:
    if not number:
        return Decimal(0)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and (exponent < -SCALE or number.adjusted() >= WHOLE_DIGITS):
        raise Malformed(f"{what} does not fit decimal(38,18): {text[:60]!r}")
    return Decimal(f"{number:f}")


def scaled(number: Decimal, factor: int) -> Decimal:
    """Multiply without rounding."""
    return _EXACT.multiply(number, Decimal(factor))


def amount(value: object, what: str) -> Decimal:
    """Return an exact number that is not negative. Raises Malformed."""
    number = exact(value, what)
    if number < 0:
        raise Malformed(f"{what} must not be negative, got {number}")
    return number


def whole(value: object, what: str) -> int:
    """Return a whole number that an Avro long holds. Raises Malformed."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise Malformed(f"{what} must be a whole number of 63 bits, got {str(value)[:40]!r}")
    return value


def millis(value: object, what: str) -> int:
    """Return microseconds of a time given in whole ms since the epoch. Raises Malformed."""
    return in_range(whole(value, what) * 1000, what)


def in_range(micros: int, what: str) -> int:
    """Return microseconds since the epoch if they are a date of years 1970 to 9999."""
    if not 0 <= micros <= _LAST_MICRO:
        raise Malformed(f"{what} is not a time between 1970 and 9999: {micros} us")
    return micros


def instant(micros: int) -> datetime:
    """Return the UTC time of microseconds since the epoch, without a float on the way."""
    days, rest = divmod(micros, _MICROS_PER_DAY)
    return _EPOCH + timedelta(days=days, microseconds=rest)


def micros_of(moment: datetime) -> int:
    """Return microseconds since the epoch of a time with a zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def text_of(value: object, what: str) -> str:
    """Return text of 1 to 128 characters. Raises Malformed."""
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise Malformed(f"{what} must be text of 1 to 128 characters, got {str(value)[:40]!r}")
    return value
