"""The checker: nothing that is not exactly of its type reaches the log."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema
from connectors_core.avro.checker import checker

AT = datetime.datetime(2024, 1, 1, 12, 0, 0, 1500, tzinfo=datetime.UTC)
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
UUID_ = {"type": "string", "logicalType": "uuid"}
CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
ENUM = {"type": "enum", "name": "e", "symbols": ["a", "b"]}
FIXED = {"type": "fixed", "name": "x", "size": 2}
SEOUL = datetime.timezone(datetime.timedelta(hours=9))


def of_field(kind: Any) -> Schema:
    return Schema.avro({"type": "record", "name": "r", "fields": [{"name": "f", "type": kind}]})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 1.5),
        ("int", 1.0),
        ("int", 1 << 40),
        ("int", 1 << 31),
        ("int", -(1 << 31) - 1),
        ("int", True),
        ("long", 1.7),
        ("long", 1 << 63),
        pytest.param("long", 10**5000, id="5001 digits"),
        ("long", "1"),
        ("double", "1.5"),
        ("double", True),
        ("double", (1 << 53) + 1),
        ("double", 10**400),
        ("double", Decimal(1)),
        ("float", 1e300),
        ("float", 0.1),
        ("float", (1 << 24) + 1),
        ("float", "1"),
        ("boolean", "no"),
        ("boolean", 1),
        ("boolean", None),
        ("string", b"a"),
        ("string", 1),
        ("string", "\ud800"),
        ("string", "가\udfff"),
        ("bytes", "a"),
        ("bytes", bytearray(b"a")),
        ("null", 0),
        (["null", "long"], "x"),
        (["null", "long"], False),
        (["long", "string"], 1.0),
        (["long", "string"], None),
        (["long", "boolean"], 1 << 63),
        (MICROS, datetime.datetime(2024, 1, 1)),  # noqa: DTZ001 -- what is refused
        (MICROS, 1704067200000000),
        (MICROS, "2024-01-01T00:00:00Z"),
        (MICROS, datetime.datetime(1, 1, 1, tzinfo=SEOUL)),
        (MILLIS, AT),
        (DATE, AT),
        (DATE, 3),
        (UUID_, str(UUID(int=1))),
        (CENTS, Decimal("1.234")),
        (CENTS, Decimal(1000)),
        (CENTS, Decimal("1E+3")),
        (CENTS, Decimal("1E+999999")),
        (CENTS, Decimal("0E+999999")),
        (CENTS, Decimal("NaN")),
        (CENTS, Decimal("-Infinity")),
        (CENTS, 1),
        (CENTS, 1.5),
        (ENUM, "c"),
        (ENUM, 0),
        (FIXED, b"a"),
        (FIXED, b"abc"),
        (FIXED, "ab"),
        ({"type": "array", "items": "long"}, (1, 2)),
        ({"type": "array", "items": "long"}, {1: 2}),
        ({"type": "map", "values": "long"}, [1]),
        ({"type": "map", "values": "long"}, {1: 1}),
        ({"type": "map", "values": "long"}, {"\ud800": 1}),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_name_of_its_field(
    kind: Any, value: Any
) -> None:
    with pytest.raises(SchemaError) as caught:
        checker(of_field(kind))({"f": value})
    assert caught.value.place == "f"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", -(1 << 31)),
        ("long", (1 << 63) - 1),
        ("double", 1 << 53),
        ("double", 3),
        ("double", math.nan),
        ("double", -math.inf),
        ("float", 0.5),
        ("float", math.nan),
        ("float", math.inf),
        ("float", 1 << 24),
        ("string", "a\0b가😀"),
        ("bytes", b"\xff\0"),
        ("boolean", False),
        (["null", "long"], None),
        (["double", "long"], 1 << 60),
        (["float", "double"], 0.1),
        ([CENTS, "string"], Decimal("999.99")),
        (MICROS, AT),
        (MICROS, datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)),
        (MICROS, datetime.datetime.max.replace(tzinfo=datetime.UTC)),
        (MILLIS, AT.replace(microsecond=999_000)),
        (DATE, datetime.date(9999, 12, 31)),
        (UUID_, UUID(int=1)),
        (CENTS, Decimal("-0.01")),
        (CENTS, Decimal("1E+2")),
        (ENUM, "b"),
        (FIXED, b"ab"),
        ({"type": "array", "items": CENTS}, []),
        ({"type": "int", "logicalType": "time-millis"}, 5),
    ],
)
def test_a_value_that_fits_is_taken(kind: Any, value: Any) -> None:
    checker(of_field(kind))({"f": value})


def test_a_missing_field_needs_a_default() -> None:
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": "int", "default": 1}]
    check = checker(Schema.avro({"type": "record", "name": "r", "fields": fields}))
    check({"a": 1})
    with pytest.raises(SchemaError, match="is missing") as caught:
        check({"b": 1})
    assert caught.value.place == "a"


@pytest.mark.parametrize("value", [{"f": 1, "g": 2}, {"f": 1, "bad\nkey": 2}, {"f": 1, 3: 2}])
def test_an_extra_field_is_refused_on_one_line(value: dict[Any, Any]) -> None:
    with pytest.raises(SchemaError) as caught:
        checker(of_field("int"))(value)
    assert "\n" not in str(caught.value)


def test_the_error_names_the_way_to_the_value() -> None:
    samples = [{"a": {"list": [{"@x": 1}], "odd key": {"n": 1}}}]
    check = checker(Schema.infer(samples, "t"))
    for value, place in [
        ({"a": {"list": [{"@x": 1}, {"@x": "1"}], "odd key": {"n": 1}}}, "a.list[1]['@x']"),
        ({"a": {"list": [], "odd key": {}}}, "a['odd key'].n"),
        ({"a": 5}, "a"),
    ]:
        with pytest.raises(SchemaError) as caught:
            check(value)
        assert caught.value.place == place


def test_a_map_error_names_the_key() -> None:
    schema = Schema.avro({"type": "map", "values": {"type": "array", "items": "long"}})
    with pytest.raises(SchemaError) as caught:
        checker(schema)({"a": [1], "b": [1, None]})
    assert caught.value.place == "['b'][1]"


def test_a_branch_of_a_wide_union_says_what_is_wrong_inside() -> None:
    one = {"type": "record", "name": "one", "fields": [{"name": "a", "type": "int"}]}
    with pytest.raises(SchemaError) as caught:
        checker(of_field(["null", "string", one]))({"f": {"a": "x"}})
    assert caught.value.place == "f.a"


def test_the_text_of_a_value_is_not_in_its_error() -> None:
    with pytest.raises(SchemaError) as caught:
        checker(of_field("int"))({"f": "a very private thing"})
    assert "private" not in str(caught.value)


def test_a_value_too_deep_for_the_stack_is_refused() -> None:
    fields = [{"name": "n", "type": ["null", "node"], "default": None}]
    check = checker(Schema.avro({"type": "record", "name": "node", "fields": fields}))
    value: dict[str, Any] = {}
    for _ in range(90):
        value = {"n": value}
    check(value)
    for _ in range(900):
        value = {"n": value}
    with pytest.raises(SchemaError, match="deeper than"):
        check(value)


def test_field_names_are_data_and_never_code() -> None:
    name = "'] or __import__('os').abort() #\n\"{}"
    checker(Schema.infer([{name: 1}], "t"))({name: 1})
    with pytest.raises(SchemaError):
        checker(Schema.infer([{name: {"a": 1}}], "t"))({name: {"a": "1"}})
