"""Market: a made-up market, and its trades in the words of each provider."""

from __future__ import annotations

import json
import random
import zlib
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

_KST = timezone(timedelta(hours=9))
_START = {
    "005930": ("71900", "50"),
    "000660": ("268500", "500"),
    "KRW-BTC": ("158250000", "1000"),
    "KRW-ETH": ("5400000", "1000"),
    "BTCUSDT": ("110250.00", "0.01"),
    "ETHUSDT": ("3850.00", "0.01"),
}
KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Made:
    """One made trade. `number` has no holes; `ms` is its time since the epoch."""

    symbol: str
    number: int
    ms: int
    price: Decimal
    size: Decimal
    buy: bool
    volume: int

    @property
    def korean(self) -> datetime:
        """Return the time in Korea."""
        return datetime.fromtimestamp(self.ms // 1000, _KST)

    @property
    def upbit_id(self) -> int:
        """Return the id in Upbit's manner: ms with a counter behind."""
        return self.ms * 1000 + self.number % 1000


class Market:
    """Trades of one symbol: a walk of prices that is the same in every run.

    `number` and `volume` (of the day) are what they were before the first trade.
    """

    def __init__(self, symbol: str, number: int = 0, volume: int = 0) -> None:
        price, tick = _START.get(symbol, ("100.00", "0.01"))
        self.symbol = symbol
        self.trades: deque[Made] = deque(maxlen=KEPT)
        self._price, self._tick = Decimal(price), Decimal(tick)
        self._random = random.Random(zlib.crc32(symbol.encode()))
        self._whole = symbol.isdigit()
        self._number = number
        self._day = ""
        self._volume = volume

    def make(self, ms: int) -> Made:
        """Make one trade at a time not before the last one's."""
        last = self.trades[-1] if self.trades else None
        ms = max(ms, last.ms + 1) if last else ms
        step = self._random.choice((-2, -1, -1, 0, 0, 1, 1, 2))
        self._price = max(self._tick, self._price + step * self._tick)
        units = self._random.randint(1, 99)
        size = Decimal(units) if self._whole else Decimal(units * 7_919).scaleb(-8)
        made = Made(
            self.symbol,
            (last.number if last else self._number) + 1,
            ms,
            self._price,
            size,
            self._random.random() < 0.5,
            self._counted(ms, units),
        )
        self.trades.append(made)
        return made

    def _counted(self, ms: int, units: int) -> int:
        """Return the volume of the Korean day with this trade."""
        day = f"{datetime.fromtimestamp(ms // 1000, _KST):%Y%m%d}"
        if self._day not in ("", day):
            self._volume = 0
        self._day = day
        self._volume += units
        return self._volume


def upbit_message(made: Made, kind: str = "REALTIME") -> bytes:
    """Return a trade as Upbit's stream sends it, numbers as JSON numbers."""
    moment = datetime.fromtimestamp(made.ms // 1000, UTC)
    text = json.dumps(
        {
            "type": "trade",
            "code": made.symbol,
            "timestamp": made.ms + 3,
            "trade_date": f"{moment:%F}",
            "trade_time": f"{moment:%T}",
            "trade_timestamp": made.ms,
            "trade_price": "\0price",
            "trade_volume": "\0size",
            "ask_bid": "BID" if made.buy else "ASK",
            "sequential_id": made.upbit_id,
            "stream_type": kind,
        },
        separators=(",", ":"),
    )
    return _numbers(text, made).encode()


def upbit_row(made: Made) -> str:
    """Return a row of Upbit's history."""
    moment = datetime.fromtimestamp(made.ms // 1000, UTC)
    text = json.dumps(
        {
            "market": made.symbol,
            "trade_date_utc": f"{moment:%F}",
            "trade_time_utc": f"{moment:%T}",
            "timestamp": made.ms,
            "trade_price": "\0price",
            "trade_volume": "\0size",
            "ask_bid": "BID" if made.buy else "ASK",
            "sequential_id": made.upbit_id,
        }
    )
    return _numbers(text, made)


def _numbers(text: str, made: Made) -> str:
    """Write exact decimals as JSON numbers, which the json module can't."""
    price, size = f"{made.price:.8f}", f"{made.size:.8f}"
    return text.replace(r'"\u0000price"', price).replace(r'"\u0000size"', size)


def binance_message(made: Made) -> str:
    """Return a trade as Binance's raw stream sends it."""
    return json.dumps(
        {
            "e": "trade",
            "E": made.ms + 2,
            "s": made.symbol,
            "t": made.number,
            "p": f"{made.price:.8f}",
            "q": f"{made.size:.8f}",
            "T": made.ms,
            "m": not made.buy,
            "M": True,
        },
        separators=(",", ":"),
    )


def binance_row(made: Made) -> dict[str, object]:
    """Return a row of Binance's history."""
    return {
        "id": made.number,
        "price": f"{made.price:.8f}",
        "qty": f"{made.size:.8f}",
        "quoteQty": f"{made.price * made.size:.8f}",
        "time": made.ms,
        "isBuyerMaker": not made.buy,
        "isBestMatch": True,
    }


def kis_frame(trades: list[Made]) -> str:
    """Return trades as one frame of KIS: 46 fields each, one behind the other."""
    fields = "^".join("^".join(_kis_fields(made)) for made in trades)
    return f"0|H0STCNT0|{len(trades):03d}|{fields}"


def _kis_fields(made: Made) -> list[str]:
    fields = ["0"] * 46
    price = f"{made.price:f}"
    fields[0], fields[1], fields[2] = made.symbol, f"{made.korean:%H%M%S}", price
    for at in (7, 8, 9, 10, 11, 45):
        fields[at] = price
    fields[12], fields[13] = f"{made.size:f}", str(made.volume)
    fields[21] = "1" if made.buy else "5"
    fields[24], fields[27], fields[30] = "090014", "090708", "090030"
    fields[33], fields[34], fields[35] = f"{made.korean:%Y%m%d}", "20", "N"
    fields[44] = ""
    return fields


def plain_message(made: Made) -> str:
    """Return a trade as the playground's own JSON feed sends it."""
    return json.dumps(
        {
            "type": "trade",
            "symbol": made.symbol,
            "id": made.number,
            "price": f"{made.price:f}",
            "size": f"{made.size:f}",
            "time": made.ms,
            "side": "buy" if made.buy else "sell",
        }
    )
