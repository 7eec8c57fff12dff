"""The laws as a whole: named, ordered, told."""

from __future__ import annotations

import pytest

from connectors_core.testing.law import CAPABILITIES, LEVELS, Law
from connectors_core.testing.laws import BY_NAME, LAWS, lifecycle


def test_no_two_laws_have_one_name() -> None:
    assert len(BY_NAME) == len(LAWS)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_says_what_why_and_how(law: Law) -> None:
    assert len(law.paragraphs) == 3
    assert all(each.endswith((".", "`", "…")) for each in law.paragraphs)
    assert law.level in LEVELS
    assert law.needs <= set(CAPABILITIES)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_rests_on_laws_that_are_judged_before_it(law: Law) -> None:
    names = [each.name for each in LAWS]
    for other in law.rests_on:
        assert names.index(other) < names.index(law.name)
        assert LEVELS.index(BY_NAME[other].level) <= LEVELS.index(law.level)


@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("stops_at_every_await", lifecycle.STOPS, lifecycle.LEAST_STOPS),
        ("leaves_nothing_behind", lifecycle.STARTS, lifecycle.LEAST_STARTS),
    ],
)
def test_the_longest_reading_is_tried_as_often_as_its_law_has_time(
    name: str, most: int, least: int
) -> None:
    longest = lifecycle.MOST_READING_SECONDS
    tried = lifecycle.fitting(most, least, longest)
    assert least <= tried < most
    assert (tried + 1) * longest < BY_NAME[name].seconds / 2
    assert lifecycle.fitting(most, least, 0.0) == most
