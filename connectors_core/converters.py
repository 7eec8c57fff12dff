"""Converters without a schema: JSON, text, bytes. None of them changes a value to make it fit."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, ClassVar, Literal, NoReturn
from uuid import UUID

from pydantic import Field

from connectors_core.api.config import Config
from connectors_core.api.converter import Converter
from connectors_core.api.errors import DataError
from connectors_core.api.schema import Schema, plain

Numbers = Literal["double", "decimal", "exact"]


def _bad(problem: str, path: str, code: str = "data.json") -> DataError:
    return DataError(f"{problem}.", code=code, place=path or "value")


class JsonOptions(Config):
    """Options of the JSON converter, as in `value.converter.numbers`."""

    numbers: Numbers = Field("double", description="What a number with a point is read as.")


class JsonConverter(Converter):
    """Compact JSON in UTF-8. Decimals are numbers with all their digits; instants are ISO text.

    `numbers` is what a number with a point is read as: `double`, `decimal` with every digit, or
    `exact`: a double where that loses nothing, a decimal elsewhere.
    """

    name: ClassVar[str] = "json"

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the model of the options."""
        return JsonOptions

    def __init__(self, *, numbers: Numbers = "double") -> None:
        self._parse_float = _PARSERS[numbers]

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        parts: list[str] = []
        try:
            _write(plain(value), "", parts.append)
            return "".join(parts).encode()
        except RecursionError as error:
            raise _bad("is nested too deep for JSON", "") from error
        except UnicodeEncodeError as error:
            raise _bad("has half of a character (a lone surrogate), not UTF-8", "") from error

    def decode(self, topic: str, data: bytes) -> Any:
        try:
            text = data.decode()
            value = json.loads(
                text,
                parse_float=self._parse_float,
                parse_constant=_constant,
                object_pairs_hook=_once,
            )
            if "\\u" in text:
                json.dumps(value, ensure_ascii=False, default=str).encode()
        except DataError as error:
            raise DataError(error.message, code=error.code, place=topic) from error.__cause__
        except RecursionError as error:
            raise _bad("is nested too deep", topic) from error
        except (ValueError, ArithmeticError) as error:
            raise _bad(f"is not JSON: {error}", topic) from error
        return value


class StringConverter(Converter):
    """Text as UTF-8; anything else is refused."""

    name: ClassVar[str] = "string"

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        if type(value) is not str:
            raise _bad(f"must be text, got {type(value).__name__}", "", "data.string")
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise _bad("has a lone surrogate, which UTF-8 can't hold", "", "data.string") from error

    def decode(self, topic: str, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise _bad(f"is not UTF-8 at byte {error.start}", topic, "data.string") from error


class BytesConverter(Converter):
    """Bytes as they are; anything else is refused."""

    name: ClassVar[str] = "bytes"

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        if type(value) is not bytes:
            raise _bad(f"must be bytes, got {type(value).__name__}", "", "data.bytes")
        return value

    def decode(self, topic: str, data: bytes) -> bytes:
        return data


def _write(value: Any, path: str, put: Callable[[str], None]) -> None:
    write = _WRITERS.get(type(value))
    if write is not None:
        put(write(value, path))
    elif type(value) is dict:
        _write_dict(value, path, put)
    elif type(value) is list:
        separator = "["
        for number, item in enumerate(value):
            put(separator)
            _write(item, f"{path}[{number}]", put)
            separator = ","
        put("]" if value else "[]")
    else:
        _refuse(value, path)


def _write_dict(value: dict[Any, Any], path: str, put: Callable[[str], None]) -> None:
    separator = "{"
    for key, item in value.items():
        if type(key) is not str:
            raise _bad(f"has a key that is not text but {type(key).__name__}", path)
        put(f"{separator}{encode_basestring(key)}:")
        _write(item, f"{path}.{key}" if path else key, put)
        separator = ","
    put("}" if value else "{}")


def _refuse(value: Any, path: str) -> NoReturn:
    if isinstance(value, bytes | bytearray):
        raise _bad(
            "is bytes, which JSON can't hold. Use the avro converter, or write them as text", path
        )
    raise _bad(f"is of the type {type(value).__name__}, which JSON can't hold", path)


def _integer(value: int, path: str) -> str:
    try:
        return int.__repr__(value)
    except ValueError as error:
        raise _bad(f"is an integer of {value.bit_length()} bits, too long", path) from error


def _float(value: float, path: str) -> str:
    if not math.isfinite(value):
        raise _bad(f"is {value}, which JSON can't hold", path)
    return float.__repr__(value)


def _number(value: Decimal, path: str) -> str:
    if not value.is_finite():
        raise _bad(f"is {value}, which JSON can't hold", path)
    return str(value)


def _instant(value: datetime.datetime, path: str) -> str:
    if value.utcoffset() is None:
        raise _bad("is a time without a zone. Give it one (datetime.UTC)", path)
    return f'"{value.isoformat()}"'


_WRITERS: dict[type[Any], Callable[[Any, str], str]] = {
    type(None): lambda value, path: "null",
    bool: lambda value, path: "true" if value else "false",
    int: _integer,
    float: _float,
    str: lambda value, path: encode_basestring(value),
    Decimal: _number,
    datetime.datetime: _instant,
    datetime.date: lambda value, path: f'"{value.isoformat()}"',
    UUID: lambda value, path: f'"{value}"',
}


def _double(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _bad("has a number beyond a double. Read it with `numbers: decimal`", "")
    if not value and Decimal(text):
        raise _bad("has a number too small for a double. Read it with `numbers: decimal`", "")
    return value


def _exact(text: str) -> float | Decimal:
    digits = Decimal(text)
    value = float(text)
    return value if Decimal(repr(value)) == digits else digits


_PARSERS: dict[str, Callable[[str], float | Decimal]] = {
    "double": _double,
    "decimal": Decimal,
    "exact": _exact,
}


def _constant(text: str) -> NoReturn:
    raise _bad(f"has {text}, which is not JSON", "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("has a key twice in one object", "")
    return found
