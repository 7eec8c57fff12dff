"""Text from outside is shown, never obeyed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.cli.escape import cut, one_line, safe_json, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 한글 ✓", "plain 한글 ✓"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("\u202etxt\u2066\u200f", "\\u202etxt\\u2066\\u200f"),
        ("\u2028\u2029\ufeff\ud800", "\\u2028\\u2029\\ufeff\\ud800"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(text: str, shown: Any) -> None:
    assert one_line(text) == shown


@given(st.text(st.characters()))
def test_any_text_is_one_line_that_can_be_written(text: str) -> None:
    shown = one_line(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown


def test_json_text_keeps_its_meaning() -> None:
    assert safe_json('"\u202e\x85"') == '"\\u202e\\u0085"'


@given(st.text(st.characters(exclude_categories=["C"])), st.integers(1, 40))
def test_a_cut_line_fits(text: str, columns: int) -> None:
    found = cut(text, columns)
    assert width(found) <= columns
    assert found == text or text.startswith(found[:-1])


def test_wide_characters_take_two_columns() -> None:
    assert width("가a") == 3
    assert cut("가나다", 5) == "가나…"
    assert cut("abc", 3) == "abc"
