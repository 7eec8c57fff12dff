"""What the generated checker calls: exact tests of single values, and the errors they raise."""

from __future__ import annotations

import datetime
import struct
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from connectors_core.api.errors import SchemaError

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_FIRST = datetime.datetime.min.replace(tzinfo=datetime.UTC) - EPOCH
_LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC) - EPOCH
_WORDS = {
    str: "text",
    bytes: "bytes",
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    dict: "a dict",
    list: "a list",
    type(None): "null",
}


def shown(value: Any) -> str:
    """Say what a value is without showing what it holds, except a short number."""
    word = _WORDS.get(type(value), f"a value of the type {type(value).__name__}")
    if type(value) in (bool, float) or (type(value) is int and value.bit_length() <= 128):
        return f"{word} ({value!r})"
    if type(value) is int:
        return f"{word} of {value.bit_length()} bits"
    return word


def bad(value: Any, expected: str, path: str) -> NoReturn:
    """Refuse a value of the wrong type or range."""
    raise SchemaError(f"must be {expected}, got {shown(value)}.", code="schema.type", place=path)


def under(error: SchemaError, step: str) -> SchemaError:
    """Put a step before the place of an error that was raised further in."""
    inner = error.place
    place = f"{step}{inner}" if not inner or inner.startswith("[") else f"{step}.{inner}"
    return SchemaError(error.message, code=error.code, place=place)


def missing(name: str) -> NoReturn:
    """Refuse a dict that lacks a field."""
    raise SchemaError(
        "is missing, and its schema has no default for it.",
        code="schema.missing",
        place=step_of(name),
    )


def extra(value: dict[Any, Any], names: frozenset[str]) -> NoReturn:
    """Refuse a dict that has what its schema has not."""
    more = next(name for name in value if name not in names)
    key(more)
    raise SchemaError(
        "is no field of its schema. Remove it, or add it to the schema.",
        code="schema.extra",
        place=step_of(more),
    )


def key(name: Any) -> None:
    """Take a key of a dict that is text which UTF-8 can hold."""
    if type(name) is not str:
        raise SchemaError(f"has a key that is not text but {shown(name)}.", code="schema.type")
    if not name.isascii():
        text(name, "")


def too_deep(limit: int) -> NoReturn:
    """Refuse a value whose nesting would overrun the stack."""
    raise SchemaError(
        f"is nested deeper than {limit} levels. Keep such a structure as text or bytes.",
        code="schema.depth",
    )


def fixed(value: Any, size: int, path: str) -> None:
    """Take bytes of exactly this size."""
    if type(value) is not bytes:
        bad(value, "bytes", path)
    if len(value) != size:
        raise SchemaError(
            f"must be {size} bytes, got {len(value)}.", code="schema.type", place=path
        )


def symbol(value: Any, symbols: frozenset[str], path: str) -> None:
    """Take one of the symbols of an enum."""
    if type(value) is not str:
        bad(value, "the text of a symbol", path)
    if value not in symbols:
        some = ", ".join(sorted(symbols)[:10])
        raise SchemaError(
            f"is none of the enum's {len(symbols)} symbols ({some}).",
            code="schema.type",
            place=path,
        )


def step_of(name: str) -> str:
    """Return a field's name as a step of a path, on one line whatever it holds."""
    return name if name.isidentifier() or name.replace(".", "").isalnum() else f"[{name!a}]"


def text(value: str, path: str) -> None:
    """Refuse lone surrogates, which UTF-8 can't hold."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SchemaError(
            f"has half of a character (a lone surrogate) at position {error.start}, which UTF-8"
            " can't hold.",
            code="schema.text",
            place=path,
        ) from None


def double(value: Any, path: str) -> None:
    """Take a float, or an integer that a double holds exactly."""
    if type(value) is int:
        try:
            if int(float(value)) == value:
                return
        except OverflowError:
            pass
        bad(value, "a float, or an integer that a double holds exactly", path)
    if type(value) is not float:
        bad(value, "a float", path)


def single(value: Any, path: str) -> None:
    """Take a number that 32 bits hold exactly."""
    double(value, path)
    try:
        if value != value or struct.unpack("<f", struct.pack("<f", value))[0] == value:
            return
    except OverflowError:
        pass
    bad(value, 'a number that a 32-bit float holds exactly; make the field a "double"', path)


def decimal(value: Any, precision: int, scale: int, path: str) -> None:
    """Take a finite Decimal with no more digits than its schema has room for."""
    if type(value) is not Decimal:
        bad(value, "a Decimal", path)
    if not value.is_finite():
        bad(value, "a finite Decimal", path)
    exponent = int(value.as_tuple().exponent)
    too_high = value.adjusted() >= precision - scale if value else exponent > precision
    if exponent < -scale or too_high:
        raise SchemaError(
            f"has digits that a decimal({precision}, {scale}) has no room for"
            f" (highest 10^{value.adjusted()}, lowest 10^{exponent}).",
            code="schema.decimal",
            place=path,
        )


def instant(value: Any, micros: int, path: str) -> None:
    """Take a datetime with a zone, in whole units of `micros`, from year 1 to 9999 in UTC."""
    if type(value) is not datetime.datetime:
        bad(value, "a datetime with a zone", path)
    if value.utcoffset() is None:
        raise SchemaError(
            "is a time without a zone. Give it one (datetime.UTC).", code="schema.type", place=path
        )
    if value.microsecond % micros:
        raise SchemaError(
            'has microseconds, and its type holds milliseconds. Make it "timestamp-micros".',
            code="schema.type",
            place=path,
        )
    if not 1 < value.year < 9999 and not _FIRST <= value - EPOCH <= _LAST:
        bad(value, "a time that is in the years 1 to 9999 in UTC", path)


def uuid(value: Any, path: str) -> None:
    """Take a UUID."""
    if type(value) is not UUID:
        bad(value, "a UUID", path)
