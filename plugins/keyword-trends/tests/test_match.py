"""How keywords are found in texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyconnect_keyword_trends.match import Matcher, fold


def count(text: str, *keywords: str, words: bool = True) -> dict[str, int]:
    """Count keywords as written in a text as written."""
    return Matcher([fold(keyword) for keyword in keywords], words=words).count(fold(text))


@pytest.mark.parametrize(
    "text", ["삼성전자가 올랐다", "오늘 삼성전자", "(삼성전자)", "#삼성전자주가", "구삼성전자"]
)
def test_korean_is_found_inside_words(text: str) -> None:
    assert count(text, "삼성전자") == {"삼성전자": 1}


@pytest.mark.parametrize(
    ("text", "keyword", "times"),
    [
        ("Python, python; PYTHON!", "python", 3),
        ("pythonic", "python", 0),
        ("cpython", "python", 0),
        ("python3", "python", 0),
        ("python_x", "python", 0),
        ("python은 언제나", "python", 1),
        ("나의python", "python", 1),
        ("naïvego", "go", 0),
        ("#bitcoin", "bitcoin", 1),
        ("#bitcoin bitcoin", "#bitcoin", 1),
        ("#bitcoins", "#bitcoin", 0),
        ("$BTC up, $BTCUSD down", "$btc", 1),
        ("C++ and c++", "c++", 2),
        ("big   data\nbig data", "big data", 2),
        ("반도체 반도체 반도체", "반도체", 3),
        ("STRASSE straße", "straße", 2),
        ("go\U0001f600go", "go", 2),
    ],
)
def test_latin_ends_at_the_end_of_a_word(text: str, keyword: str, times: int) -> None:
    assert count(text, keyword).get(fold(keyword), 0) == times


def test_decomposed_hangul_and_accents_match_composed_ones() -> None:
    text = unicodedata.normalize("NFD", "삼성전자 café")
    assert count(text, "삼성전자", "café") == {"삼성전자": 1, "café": 1}
    assert count("삼성전자", unicodedata.normalize("NFD", "삼성전자")) == {"삼성전자": 1}


def test_overlapping_keywords_are_all_counted() -> None:
    found = count(
        "삼성전자우 machine learning", "삼성", "삼성전자", "전자", "자우", "성전", "learning"
    )
    assert found == {"삼성": 1, "삼성전자": 1, "전자": 1, "자우": 1, "성전": 1, "learning": 1}


def test_a_keyword_does_not_overlap_itself() -> None:
    assert count("하하하하하", "하하") == {"하하": 2}


def test_substring_drops_the_rule_of_words() -> None:
    assert count("pythonic", "python", words=False) == {"python": 1}


@given(
    st.text("ab_가나 -", max_size=30),
    st.sets(st.text("ab_가나-", min_size=1, max_size=4), min_size=1, max_size=8),
    st.booleans(),
)
def test_counts_what_looking_at_every_place_counts(
    text: str, keywords: set[str], words: bool
) -> None:
    text = fold(text)
    assert Matcher(sorted(keywords), words=words).count(text) == {
        keyword: times for keyword in keywords if (times := _slowly(text, keyword, words))
    }


def _slowly(text: str, keyword: str, words: bool) -> int:
    edge, times, at = set("ab_") if words else set(), 0, 0
    while (at := text.find(keyword, at)) >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(keyword) :][:1]
        cut = (keyword[0] in edge and before in edge and before) or (
            keyword[-1] in edge and after in edge and after
        )
        times, at = (times, at + 1) if cut else (times + 1, at + len(keyword))
    return times
