"""The laws as a whole: named, ordered, told."""

from __future__ import annotations

import pytest

from connectors_core.testing.law import CAPABILITIES, LEVELS, Law
from connectors_core.testing.laws import BY_NAME, LAWS


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
