"""Values that are hard to store: every one must come back exactly, or be that record's error."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from pydantic import Field

from connectors_core import Config, Record, Source, hookimpl

UTC = datetime.UTC


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"v": 1}
    for _ in range(depth):
        value = {"v": value}
    return value


VALUES: dict[str, Any] = {
    "plain": {"a": 1, "b": "x", "c": True, "d": 1.5},
    "nul": {"a": "x\x00y"},
    "surrogate": {"a": "\ud800"},
    "surrogate-name": {"\udfff": 1},
    "astral": {"a": "\U0001f600\u2028\ufeff\u202e"},
    "nan": {"a": float("nan")},
    "inf": {"a": float("inf")},
    "minus-inf": {"a": float("-inf")},
    "minus-zero": {"a": -0.0},
    "tiny": {"a": 5e-324},
    "huge-float": {"a": 1.7976931348623157e308},
    "exact-float": {"a": 0.1},
    "max-long": {"a": 2**63 - 1},
    "min-long": {"a": -(2**63)},
    "over-long": {"a": 2**63},
    "huge-int": {"a": 10**5000},
    "decimal-20": {"a": Decimal("12345678901234567890.12345678901234567890")},
    "decimal-small": {"a": Decimal("0.00000001")},
    "decimal-exponent": {"a": Decimal("1E+20")},
    "decimal-nan": {"a": Decimal("NaN")},
    "year-9999": {"a": datetime.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)},
    "year-1": {"a": datetime.datetime(1, 1, 1, tzinfo=UTC)},
    "micros": {"a": datetime.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)},
    "no-zone": {"a": datetime.datetime(2024, 1, 1)},  # noqa: DTZ001 - what it is about
    "date": {"a": datetime.date(9999, 12, 31)},
    "uuid": {"a": uuid.UUID(int=2**128 - 1)},
    "bytes": {"a": b"\xff\x00\xfe"},
    "nones": {"a": None, "b": [None, None], "c": {"d": None}},
    "empty": {},
    "empty-inside": {"a": {}, "b": [], "c": ""},
    "keys-number": {1: "a"},
    "keys-none": {None: "a"},
    "keys-bytes": {b"a": 1},
    "name-at": {"@timestamp": 1, "x_40_": 2},
    "name-empty": {"": 1},
    "name-dots": {"a.b": {"c.d": 1}},
    "name-hangul": {"한글": {"é": 1}},
    "name-like-ours": {"_x40_timestamp": 1, "@timestamp": 2},
    "name-long": {"x" * 5000: 1},
    "name-class": {"type": "record", "name": "x", "namespace": "y", "fields": []},
    "deep-50": nested(50),
    "deep-5000": nested(5000),
    "mixed-list": {"a": [1, "x", None, 1.5]},
    "list-of-dicts": {"a": [{"b": 1}, {"c": 2}]},
    "set": {"a": {1}},
    "tuple": {"a": (1, 2)},
    "object": {"a": object()},
    "complex": {"a": 1j},
    "list": [1, 2, 3],
    "text": "just text \x00",
    "text-surrogate": "\ud800",
    "raw": b"\xff\xfe\x00",
    "number": 7,
    "true": True,
}
SERIES: list[Any] = [
    {"a": 1},
    {"a": 2**40},
    {"a": 1.5},
    {"a": "text"},
    {"b": 1},
    {},
    {"a": None},
    {"a": 3, "b": {"c": [1]}},
    {"a": 4, "c": {"d": 1}},
    {"a": 5, "c": {"e": "x"}},
    {"a": [1]},
    {"@": 1},
    "text",
    {"a": 2**70},
    {"a": True},
]


class Options(Config):
    value: str = Field("", description="Which value; without one, the series.")


class Valued(Source[Options]):
    """Gives one value, or a series of values of many shapes."""

    name = "valued"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        values = [VALUES[self.config.value]] if self.config.value else SERIES
        for n, value in enumerate(values, 1):
            yield Record(value, key=f"k{n}", offset={"n": n})


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    return [Valued]
