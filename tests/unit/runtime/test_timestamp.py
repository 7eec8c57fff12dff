"""Timestamps that a topic would refuse are found before anything is written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core import Config, DataError, Record, Source
from connectors_core.api.store import TopicLimits
from connectors_core.runtime import timestamp
from connectors_core.runtime.timestamp import MAX_TIMESTAMP, check_timestamp

HOUR = 3_600_000
NOW = 1_700_000_000_000
spans = st.none() | st.integers(0, 2 * NOW)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it always be the same moment."""
    monkeypatch.setattr(timestamp.time, "time", lambda: NOW / 1000)


@given(stamp=st.integers(-5, 2 * NOW), first=st.integers(0, 5), behind=spans, ahead=spans)
def test_a_timestamp_is_taken_where_all_limits_have_room(
    stamp: int, first: int, behind: int | None, ahead: int | None
) -> None:
    limits = TopicLimits(1, True, first, behind, ahead)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timestamp.time, "time", lambda: NOW / 1000)
        try:
            check_timestamp(stamp, "t", limits)
            taken = True
        except DataError:
            taken = False
    earliest = max(first, 0 if behind is None else NOW - behind)
    latest = MAX_TIMESTAMP if ahead is None else NOW + ahead
    assert taken == (earliest <= stamp <= latest)


@pytest.mark.parametrize("stamp", ["1", 1.0, True, -1, MAX_TIMESTAMP + 1])
def test_what_is_no_timestamp_is_one_nowhere(stamp: object) -> None:
    with pytest.raises(DataError, match="whole ms since 1970"):
        check_timestamp(stamp, "t", TopicLimits(1))


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        (0, r"\(1970-01-01T00:00:00\+00:00\): the topic t takes none before 1\."),
        (NOW - HOUR - 1, r"3600000 ms old\. Mend .* raise .*message\.timestamp\.before\.max\.ms"),
        (NOW + HOUR + 1, r"3600000 ms ahead .* raise .*message\.timestamp\.after\.max\.ms"),
        (MAX_TIMESTAMP, r"\(9999-12-31T23:59:59\+00:00\)"),
    ],
)
def test_the_error_says_what_is_taken_and_which_setting_to_raise(stamp: int, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        check_timestamp(stamp, "t", TopicLimits(1, True, 1, HOUR, HOUR))
    assert caught.value.code == "data.timestamp"
    assert "message.timestamp.type=LogAppendTime" in str(caught.value)


class Stamped(Source[Config]):
    """Seven numbers; the third is of tomorrow, the fifth of 1970, the sixth of no time."""

    name = "stamped"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        now = int(time.time() * 1000)
        odd = {3: now + 24 * HOUR, 5: 0, 6: None}
        for n in range(offset["n"] + 1 if offset else 1, 8):
            yield Record(n, offset={"n": n}, timestamp=odd.get(n, now))


@pytest.fixture
def strict(lab: Any) -> Any:
    """A worker whose store takes no record of more than an hour from now."""
    limits = lab.store.limits

    def an_hour(topic: str) -> TopicLimits:
        return TopicLimits(limits(topic).record_bytes, True, 1, None, HOUR)

    lab.store.limits = an_hour
    return lab


async def test_a_record_of_another_time_is_a_dead_letter(strict: Any) -> None:
    status = await strict.run(strict.spec(Stamped, errors_tolerance="all"))
    assert (status.state, status.rejected) == ("COMPLETED", 2)
    assert strict.values() == [1, 2, 4, 6, 7]
    letters = strict.records("c-dlq")
    assert [letter.value for letter in letters] == [b"3", b"5"]
    headers = [dict(letter.headers) for letter in letters]
    assert {each["__connect.errors.exception.class.name"] for each in headers} == {
        b"data.timestamp"
    }
    assert {each["__connect.errors.stage"] for each in headers} == {b"CONVERT"}


async def test_where_errors_are_not_tolerated_it_fails_its_task_after_what_came_before(
    strict: Any,
) -> None:
    status = await strict.run(strict.spec(Stamped))
    assert (status.state, status.failure.code, status.restarts) == ("FAILED", "data.timestamp", 0)
    assert strict.values() == [1, 2]
    assert strict.offsets() == {"{}": {"n": 2}}
