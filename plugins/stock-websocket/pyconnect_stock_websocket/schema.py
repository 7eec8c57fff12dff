"""The Avro schemas of the two topics: trades, and gaps that could not be filled."""

from __future__ import annotations

from typing import Any

NAMESPACE = "pyconnect.market"
_DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}
_MICROS = {"type": "long", "logicalType": "timestamp-micros"}
SIDES = ["UNKNOWN", "BUY", "SELL"]
CAUSES = ["UNKNOWN", "RESTART", "DISCONNECT", "SEQUENCE"]
STATUSES = ["UNFILLABLE", "PARTIAL"]


def _field(name: str, kind: Any, doc: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": doc}


def _optional(name: str, kind: Any, doc: str) -> dict[str, Any]:
    return {"name": name, "type": ["null", kind], "default": None, "doc": doc}


def _enum(name: str, symbols: list[str]) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": symbols, "default": symbols[0]}


_ORIGIN = [
    _field("provider", "string", "Who sent it: upbit, binance, kis, or the generic feed's label."),
    _field("venue", "string", "Where it was traded."),
    _field("symbol", "string", "The symbol as configured."),
]

TRADE: dict[str, Any] = {
    "type": "record",
    "name": "Trade",
    "namespace": NAMESPACE,
    "fields": [
        *_ORIGIN,
        _field("symbol_native", "string", "The symbol as the provider writes it."),
        _optional("trade_id", "string", "The provider's id of the trade; null if it has none."),
        _optional("seq", "long", "The id as a number, where it is one."),
        _field("price", _DECIMAL, "Exact, in the quote currency."),
        _field("size", _DECIMAL, "Exact, in units of the base."),
        _field("side", _enum("Side", SIDES), "The aggressor's side."),
        _field("event_time", _MICROS, "When it was traded, UTC."),
        _optional("event_time_ns", "long", "The same in ns, where the provider gives them."),
        _optional("cumulative_volume", _DECIMAL, "Volume of the day with this trade."),
        _field("conditions", {"type": "array", "items": "string"}, "Conditions, NAME=value."),
    ],
}

GAP: dict[str, Any] = {
    "type": "record",
    "name": "Gap",
    "namespace": NAMESPACE,
    "fields": [
        *_ORIGIN,
        _field("from", _MICROS, "Trades after this time may be missing."),
        _field("to", _MICROS, "The trade of this time is there again."),
        _optional("from_id", "long", "The first missing id, where ids have no holes."),
        _optional("to_id", "long", "The last missing id."),
        _optional("missing_volume", _DECIMAL, "The missing volume, where it is known."),
        _field("cause", _enum("Cause", CAUSES), "What made the hole."),
        _field("status", _enum("Status", STATUSES), "Whether a part of it was filled."),
    ],
}
