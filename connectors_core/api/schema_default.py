"""Defaults: whether a JSON value fits an Avro type, and how a Python value is written as one."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_RANGE = {"int": 1 << 31, "long": 1 << 63}
_MICROS = {"timestamp-millis": 1000, "timestamp-micros": 1}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def fits(definition: Any, default: Any, names: Mapping[str, Any]) -> bool:
    """Say whether `default`, as the specification spells defaults, is one of this type.

    `names` are the named types met so far; a union takes defaults of its first branch.
    """
    if isinstance(definition, list):
        return fits(definition[0], default, names)
    if isinstance(definition, str) and definition in names:
        definition = names[definition]
    kind = definition if isinstance(definition, str) else definition["type"]
    if kind in ("array", "map", "record", "enum"):
        return _fits_complex(kind, definition, default, names)
    return _fits_plain(kind, definition, default)


def _fits_plain(kind: str, definition: Any, default: Any) -> bool:
    if kind == "null":
        return default is None
    if kind == "boolean":
        return isinstance(default, bool)
    if kind in _RANGE:
        return type(default) is int and -_RANGE[kind] <= default < _RANGE[kind]
    if kind in ("float", "double"):
        return type(default) in (int, float) and _finite(default)
    if kind == "string":
        return isinstance(default, str)
    return (
        isinstance(default, str)
        and all(ord(char) < 256 for char in default)
        and (kind == "bytes" or len(default) == definition["size"])
    )


def _finite(number: float) -> bool:
    try:
        return math.isfinite(float(number)) and float(number) == number
    except OverflowError:
        return False


def _fits_complex(kind: str, definition: Any, default: Any, names: Mapping[str, Any]) -> bool:
    if kind == "enum":
        return default in definition["symbols"]
    if kind == "array":
        return isinstance(default, list) and all(
            fits(definition["items"], item, names) for item in default
        )
    if not isinstance(default, dict):
        return False
    if kind == "map":
        return all(fits(definition["values"], item, names) for item in default.values())
    if definition["fields"] is None:
        return False  # Still being read: a default of a type inside itself would have no end.
    fields = {one["name"]: one for one in definition["fields"]}
    return default.keys() <= fields.keys() and all(
        fits(one["type"], default[name], names) if name in default else "default" in one
        for name, one in fields.items()
    )


def default_of(definition: Any, value: Any) -> Any:
    """Write a Python default as the specification spells it; raise ValueError if it can't be."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Decimal):
        return _decimal(value, definition["scale"])
    if isinstance(value, datetime.datetime):
        return _instant(value, definition["logicalType"])
    if isinstance(value, datetime.date):
        return (value - _EPOCH.date()).days
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float) or value in ([], {}):
        return value
    raise ValueError("no default for this")


def _instant(value: datetime.datetime, unit: str) -> int:
    if value.utcoffset() is None:
        raise ValueError("a time without a zone")
    return (value - _EPOCH) // datetime.timedelta(microseconds=_MICROS[unit])


def _decimal(value: Decimal, scale: int) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent < -scale:
        raise ValueError("more digits than the scale")
    unscaled = int("".join(map(str, digits))) * 10 ** (exponent + scale) * (-1 if sign else 1)
    size = unscaled.bit_length() // 8 + 1
    return str(unscaled.to_bytes(size, "big", signed=True), "latin-1")
