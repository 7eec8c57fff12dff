"""Decoded values as JSON: nothing is lost, nothing is bent."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.cli.shape import instant, to_json

SEOUL = dt.timezone(dt.timedelta(hours=9))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x00\xff", {"$bytes": "AP8="}),
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12.500"), "12.500"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05.000Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6000, dt.UTC), "2026-01-02T03:04:05.006Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6001, dt.UTC), "2026-01-02T03:04:05.006001Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=SEOUL), "2026-01-01T18:04:05.000Z"),
        (dt.datetime(9999, 12, 31, tzinfo=dt.UTC), "9999-12-31T00:00:00.000Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC).replace(tzinfo=None), "2026-01-02T03:04:05.000"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(1, 2, 3, 4), "01:02:03.000004"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (float("nan"), "NaN"),
        ([float("inf"), {"a": -float("inf"), "b": b"x"}], ["Infinity", {"a": "-Infinity", "b": {"$bytes": "eA=="}}]),
        (2**63 + 1, 2**63 + 1),
        ("한글 \ud800", "한글 \ud800"),
    ],
)  # fmt: skip
def test_a_value_has_its_documented_text(value: Any, shown: Any) -> None:
    text = to_json(value)
    text.encode()
    assert json.loads(text) == shown


def test_an_instant_beyond_the_calendar_stays_a_number() -> None:
    assert instant(-1) == "1969-12-31T23:59:59.999Z"
    assert instant(2**62) == 2**62


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(JSON)
def test_json_comes_back_as_it_was_on_one_printable_line(value: Any) -> None:
    text = to_json(value)
    assert json.loads(text) == value
    assert len(text.splitlines()) == 1
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text)
