"""Names: reversible, and never the same for two keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.schema_names import NAME, escape, record_name, unescape

LIKELY = st.text(alphabet="_x40fa@ .Z9é€😀", max_size=12) | st.text(max_size=12)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@timestamp", "_x40_timestamp"),
        ("price", "price"),
        ("pos_x", "pos_x"),
        ("max_xyz", "max_xyz"),
        ("_x40_timestamp", "_x5f_x40_timestamp"),
        ("1m", "_x31_m"),
        ("", "_x_"),
        ("_x_", "_x5f_x_"),
        ("a.b", "a_x2e_b"),
        ("가", "_xac00_"),
    ],
)
def test_escapes_what_avro_does_not_allow(text: str, name: str) -> None:
    assert escape(text) == name
    assert unescape(name) == text


@given(LIKELY)
def test_every_text_comes_back(text: str) -> None:
    name = escape(text)
    assert NAME.fullmatch(name)
    assert unescape(name) == text


@given(st.lists(LIKELY, unique=True, max_size=20))
def test_no_two_texts_share_a_name(texts: list[str]) -> None:
    assert len({escape(text) for text in texts}) == len(texts)


@given(st.text(max_size=30))
def test_every_topic_gives_a_record_name(text: str) -> None:
    assert all(NAME.fullmatch(part) for part in record_name(text).split("."))
