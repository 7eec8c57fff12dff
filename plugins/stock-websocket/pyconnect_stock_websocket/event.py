"""What a frame of a provider may mean to us."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from pyconnect_stock_websocket.trade import Malformed, Trade


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that can't become a trade. `symbol`, `seq` and `trade_id` as far as they are known:
    an id that was read is used up, so that it does not look like a hole."""

    reason: str
    raw: bytes
    symbol: str | None = None
    seq: int | None = None
    trade_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The provider wants this text back, byte for byte."""

    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The provider confirmed the subscription of a symbol; None: of all."""

    symbol: str | None = None


Event: TypeAlias = Trade | Bad | Reply | Ready


def parse(text: str) -> Any:
    """Read JSON with exact numbers: floats become Decimal, NaN and Infinity become text.

    Raises Malformed for what is not JSON.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error


def decode(frame: str | bytes) -> str:
    """Return the text of a frame; some providers send JSON in binary frames. Raises Malformed."""
    if isinstance(frame, str):
        return frame
    try:
        return frame.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} at byte {error.start}") from error


def encode(text: str) -> bytes:
    """Return bytes for a dead letter; a lone surrogate in the text must not stop it."""
    return text.encode("utf-8", "surrogatepass")


def bad(error: Malformed, text: str, message: Any = None, **known: Any) -> Bad:
    """Make a Bad of an error; what of `known` has the wrong type is left out."""
    symbol, seq = known.get("symbol"), known.get("seq")
    usable = isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 1 << 63
    return Bad(
        str(error),
        encode(text),
        symbol=symbol if isinstance(symbol, str) else None,
        seq=seq if usable else None,
        trade_id=str(seq) if usable else None,
    )
