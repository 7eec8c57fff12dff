"""Schemas from samples: nothing is guessed that the samples do not say."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema

AT = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)


def types(*samples: Any) -> dict[str, Any]:
    """Return type and default of each field, by name."""
    fields = Schema.infer(samples, "t").definition["fields"]
    return {one["name"]: (one["type"], one.get("default", "none")) for one in fields}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_field_never_null_and_never_missing_is_not_nullable() -> None:
    assert types({"a": 1}, {"a": 2}) == {"a": ("long", "none")}


def test_a_missing_or_null_field_is_nullable_with_default_null() -> None:
    expected = (["null", "long"], None)
    assert types({"a": 1, "b": 1}, {"a": None}) == {"a": expected, "b": expected}
    assert types({"a": None}, {"a": 1, "b": 1}) == {"a": expected, "b": expected}


def test_each_python_type_has_its_avro_type() -> None:
    sample = {
        "s": "a", "y": b"a", "b": True, "i": 1, "f": 1.0, "d": Decimal(1), "t": AT,
        "o": AT.date(), "u": UUID(int=1),
    }  # fmt: skip
    found = {name: kind for name, (kind, _) in types(sample).items()}
    assert found == {
        "s": "string", "y": "bytes", "b": "boolean", "i": "long", "f": "double",
        "d": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18},
        "t": {"type": "long", "logicalType": "timestamp-micros"},
        "o": {"type": "int", "logicalType": "date"},
        "u": {"type": "string", "logicalType": "uuid"},
    }  # fmt: skip


def test_integers_and_floats_together_are_doubles() -> None:
    assert types({"a": 1}, {"a": 1.5}) == {"a": ("double", "none")}


def test_what_was_always_null_or_empty_holds_nulls_until_more_is_known() -> None:
    assert types({"a": None, "b": []}) == {
        "a": ("null", None),
        "b": ({"type": "array", "items": "null"}, "none"),
    }
    assert types({"b": []}, {"b": [1]}) == {"b": ({"type": "array", "items": "long"}, "none")}


def test_nested_dicts_are_records_named_by_their_way() -> None:
    definition = Schema.infer([{"a": {"b": [{"@c": 1}]}}], "my-topic.x").definition
    outer = definition["fields"][0]["type"]
    inner = outer["fields"][0]["type"]["items"]
    assert [definition["name"], outer["name"], inner["name"]] == [
        "my_topic.x",
        "my_topic.x.a",
        "my_topic.x.a.b",
    ]
    assert inner["fields"] == [{"name": "_x40_c", "type": "long", "pyconnect.name": "@c"}]


@pytest.mark.parametrize(
    ("samples", "place"),
    [
        ([{"a": 1}, {"a": True}], "a"),
        ([{"a": 1}, {"a": "x"}], "a"),
        ([{"a": "x"}, {"a": b"x"}], "a"),
        ([{"a": {"b": 1}}, {"a": {"b": "x"}}], "a.b"),
        ([{"a": [1, "x"]}], "a[]"),
        ([{"a": 1 << 63}], "a"),
        ([{"a": 10**5000}], "a"),
        ([{"a": datetime.datetime(2024, 1, 1)}], "a"),  # noqa: DTZ001 -- what is refused
        ([{"a": object()}], "a"),
        ([{1: 2}], "value"),
        ([{"a": {"\ud800": 1}}], "a"),
        ([{str(n): n for n in range(1000)}, {"more": 1}], "value"),
        ([nested(40)], ".".join("a" * 31)),
        ([], "t"),
    ],
)
def test_what_avro_can_not_hold_is_refused_by_name(samples: list[Any], place: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.infer(samples, "t")
    assert caught.value.place == place


def test_the_deepest_value_that_is_taken_still_has_a_schema_when_all_of_it_is_nullable() -> None:
    def levels(count: int) -> Any:
        value: Any = None
        for _ in range(count):
            value = {"a": value}
        return value

    assert Schema.infer([levels(count) for count in range(1, 31)], "t").name == "t"
