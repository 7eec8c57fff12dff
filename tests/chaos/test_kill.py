"""Invariant 7: `kill -9` at any instant loses nothing, doubles nothing, and keeps the order."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from worker import INSIDE, Worker

from connectors_core.runtime.crash import POINTS

pytestmark = pytest.mark.slow
SOURCES = ["counting", "plain-counting", "keeping"]


@pytest.mark.parametrize("source", ["counting", "keeping"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_every_named_point_is_survived(tmp_path: Path, source: str, point: str) -> None:
    worker = Worker(
        tmp_path, source, last=4000, **{"commit.linger.ms": 0, "read.ahead.bytes": 16_384}
    )
    assert worker.run(f"{point}:4") == -9, f"{point}:4 was not reached"
    assert worker.run() == 0
    worker.check(partitions=3, at_least=4000)


@pytest.mark.parametrize("source", SOURCES)
def test_a_few_random_kills_are_survived(tmp_path: Path, source: str) -> None:
    worker = Worker(tmp_path, source, last=5_000_000, **{"commit.linger.ms": 0})
    worker.kill_at_random(4, seed=4)
    worker.check(partitions=3)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("linger", [0, 5])
def test_two_hundred_random_kills_are_survived(tmp_path: Path, source: str, linger: int) -> None:
    worker = Worker(
        tmp_path, source, last=50_000_000, **{"commit.linger.ms": linger, "value.converter": "json"}
    )
    kills = 22 if linger else 45
    worker.kill_at_random(kills, seed=linger, aim=INSIDE)
    worker.check(partitions=3)
    assert worker.inside_commit >= worker.aimed > kills / 4


def test_a_source_that_ended_before_its_crash_is_seen(tmp_path: Path) -> None:
    """The harness itself: a point that is never reached does not count as a kill."""
    worker = Worker(tmp_path, "counting", last=5, partitions=1)
    assert worker.run("begin:1000") == 0


@pytest.mark.parametrize("order", ["lost", "doubled", "swapped"])
def test_the_check_sees_what_it_is_for(tmp_path: Path, order: str) -> None:
    """The oracle itself: a log with a fault in it does not pass."""
    numbers: dict[str, Any] = {"lost": [1, 2, 4], "doubled": [1, 2, 2, 3], "swapped": [2, 1, 3]}
    worker = Worker(tmp_path, "counting", last=5, partitions=1)
    assert worker.run() == 0
    worker.numbers = lambda: {0: numbers[order]}  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        worker.check(partitions=1)
