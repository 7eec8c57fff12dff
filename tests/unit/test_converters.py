"""The converters without a schema: exact, or an error of that record."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.errors import DataError
from connectors_core.converters import BytesConverter, JsonConverter, StringConverter

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)  # fmt: skip
AT = datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC)


@dataclass
class Quote:
    symbol: str
    price: Decimal


@given(VALUES)
def test_every_json_value_comes_back(value: Any) -> None:
    converter = JsonConverter()
    data = converter.encode("t", None, value)
    assert repr(converter.decode("t", data)) == repr(value)
    assert json.loads(data) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_digit_of_a_decimal_is_kept(number: Decimal) -> None:
    converter = JsonConverter(numbers="decimal")
    read = converter.decode("t", converter.encode("t", None, [number]))[0]
    assert read == number
    assert type(read) in (Decimal, int)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({"b": 1, "a": [True, None, "é\0"]}, '{"b":1,"a":[true,null,"é\\u0000"]}'),
        (Decimal("12345678901234567890.10"), "12345678901234567890.10"),
        (10**30, "1" + "0" * 30),
        (AT, '"9999-12-31T23:59:59.999999+00:00"'),
        (AT.date(), '"9999-12-31"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Quote("a", Decimal("1.50")), '{"symbol":"a","price":1.50}'),
        ({}, "{}"),
        ([[]], "[[]]"),
    ],
)
def test_json_is_compact_utf8(value: Any, data: str) -> None:
    assert JsonConverter().encode("t", None, value) == data.encode()


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [b"x"]}, "a[0]"),
        ({"a": {"b": bytearray(b"x")}}, "a.b"),
        ({"a": math.nan}, "a"),
        ({"a": -math.inf}, "a"),
        ({"a": Decimal("NaN")}, "a"),
        ({"a": "\ud800"}, "value"),
        ({"\udfff": 1}, "value"),
        ({"a": {1: 2}}, "a"),
        ({None: 1}, "value"),
        ({"a": (1,)}, "a"),
        ({"a": {1}}, "a"),
        (pytest.param({"a": 10**5000}, "a", id="5001 digits")),
        ({"a": datetime.datetime(2024, 1, 1)}, "a"),  # noqa: DTZ001 -- what is refused
        ({"a": object()}, "a"),
        (nested(100_000), "value"),
    ],
)
def test_what_json_can_not_hold_is_refused_by_name(value: Any, place: str) -> None:
    with pytest.raises(DataError) as caught:
        JsonConverter().encode("t", None, value)
    assert caught.value.place == place


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nul", b"NaN", b"[Infinity]", b"-Infinity", b"\xff", b'"\xed\xa0\x80"',
        b'"\\ud800"', b'{"a":1,"a":2}', b"1e400", b"9" * 5000, b"[" * 100_000, b"\xff\xfe1\x00",
        b"01", b"1 2",
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_not_json_is_a_data_error(data: bytes) -> None:
    with pytest.raises(DataError):
        JsonConverter().decode("t", data)


def test_numbers_are_read_as_the_option_says() -> None:
    data = b"[0.12345678901234567890, 12345678901234567890, 1e400]"
    exact = JsonConverter(numbers="decimal").decode("t", data)
    assert exact == [Decimal("0.12345678901234567890"), 12345678901234567890, Decimal("1e400")]
    assert JsonConverter().decode("t", b"[0.5, 12345678901234567890]") == [
        0.5,
        12345678901234567890,
    ]


def test_an_escaped_pair_of_surrogates_is_a_character() -> None:
    assert JsonConverter().decode("t", b'"\\ud83d\\ude00"') == "😀"


@given(TEXT)
def test_every_text_comes_back(text: str) -> None:
    converter = StringConverter()
    assert converter.decode("t", converter.encode("t", None, text)) == text


@given(st.binary())
def test_every_bytes_come_back(data: bytes) -> None:
    converter = BytesConverter()
    assert converter.decode("t", converter.encode("t", None, data)) == data


@pytest.mark.parametrize("value", [1, b"a", True, {"a": 1}, "\ud800", object()])
def test_the_string_converter_takes_text_only(value: Any) -> None:
    with pytest.raises(DataError):
        StringConverter().encode("t", None, value)


def test_bytes_that_are_not_utf8_are_no_text() -> None:
    with pytest.raises(DataError, match="at byte 1"):
        StringConverter().decode("t", b"a\xff")


@pytest.mark.parametrize("value", ["a", 1, bytearray(b"a"), memoryview(b"a"), None])
def test_the_bytes_converter_takes_bytes_only(value: Any) -> None:
    with pytest.raises(DataError):
        BytesConverter().encode("t", None, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("0.1", 0.1),
        ("1e400", Decimal("1e400")),
        ("0.12345678901234567891", Decimal("0.12345678901234567891")),
    ],
)
def test_exact_reads_a_double_only_where_nothing_is_lost(text: str, value: object) -> None:
    read = JsonConverter(numbers="exact").decode("t", text.encode())
    assert (read, type(read)) == (value, type(value))
