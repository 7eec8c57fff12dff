"""Numbers and times: exact, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyconnect_stock_websocket.event import parse
from pyconnect_stock_websocket.trade import (
    Malformed,
    amount,
    exact,
    instant,
    micros_of,
    millis,
    whole,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0.10000000", "0.1"),
        (Decimal("127.00000000"), "127"),
        (Decimal("1E-18"), "0.000000000000000001"),
        (Decimal("6.747E+6"), "6747000"),
        (6747000, "6747000"),
        ("-3.5", "-3.5"),
        ("0", "0"),
        ("-0.000", "0"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_a_number_is_kept_exactly_in_its_shortest_form(given: object, expected: str) -> None:
    assert format(exact(given, "price"), "f") == expected


@pytest.mark.parametrize(
    "given",
    [
        "NaN",
        "Infinity",
        Decimal("NaN"),
        "71,950",
        "",
        " 1",
        "1_000",
        "٣",
        "0x10",
        "1e400",
        "0.12345678901234567890",
        Decimal("1E-19"),
        "100000000000000000000",
        10**20,
        10**4000,
        True,
        None,
        1.5,
        [],
    ],
)
def test_what_decimal_38_18_can_not_hold_is_refused_by_name(given: object) -> None:
    with pytest.raises(Malformed, match="price"):
        exact(given, "price")


@given(st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, allow_nan=False, places=18))
def test_every_number_of_18_decimals_is_kept(number: Decimal) -> None:
    kept = exact(number, "price")
    assert kept == number
    assert not format(kept, "f").endswith((".", ".0"))


def test_a_size_is_not_negative() -> None:
    with pytest.raises(Malformed, match="size must not be negative"):
        amount("-1", "size")


def test_json_numbers_never_become_floats() -> None:
    message = parse('{"p": 105944.20, "q": 0.1234567890123456789, "n": NaN, "i": Infinity}')
    assert message["p"] == Decimal("105944.20")
    assert message["q"] == Decimal("0.1234567890123456789")
    assert message["n"] == "NaN"
    assert message["i"] == "Infinity"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_what_is_not_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not JSON"):
        parse(text)


@given(st.integers(min_value=0, max_value=253402300799999999))
def test_an_instant_is_exact_to_the_microsecond(micros: int) -> None:
    assert micros_of(instant(micros)) == micros


def test_times_out_of_range_are_refused() -> None:
    assert instant(millis(1584508285000, "time")) == datetime(2020, 3, 18, 5, 11, 25, tzinfo=UTC)
    for value in (-1, 253402300800000, 1 << 63, "later", True, Decimal(1)):
        with pytest.raises(Malformed, match="time"):
            millis(value, "time")


def test_an_id_is_a_whole_number_of_63_bits() -> None:
    assert whole((1 << 63) - 1, "id") == (1 << 63) - 1
    for value in (1 << 63, -1, Decimal("1.0"), "1.0", None, True):
        with pytest.raises(Malformed, match="id"):
            whole(value, "id")
