"""The judge of the brokers' chaos: a topic with a fault in it does not pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chaos.brokers_worker import Worker


@pytest.mark.parametrize(
    ("numbers", "offset", "fault"),
    [
        ([1, 2, 4], 4, "lost 1 from 3"),
        ([2, 3], 3, "lost 1 from 1"),
        ([1, 2], 3, "lost 1 from 3"),
        ([1, 2, 2, 3], 3, "1 twice"),
        ([1, 2, 1, 2, 3], 3, "2 twice"),
        ([2, 1, 3], 3, "out of order"),
        ([1, 2, 3], 2, "its offset is 2"),
        ([], 2, "lost 2 from 1"),
    ],
)
def test_a_fault_is_seen(tmp_path: Path, numbers: list[int], offset: int, fault: str) -> None:
    worker = judged(tmp_path, {0: numbers, 1: [1]}, {0: offset, 1: 1})
    with pytest.raises(AssertionError, match=fault):
        worker.judge()


def test_what_is_right_passes(tmp_path: Path) -> None:
    worker = judged(tmp_path, {0: [1, 2, 3], 1: [1]}, {0: 3, 1: 1})
    assert worker.judge() == 4
    with pytest.raises(AssertionError, match="only 4 records"):
        worker.judge(at_least=5)


def judged(folder: Path, numbers: Mapping[int, list[int]], offsets: Mapping[int, int]) -> Worker:
    worker = Worker(folder, "127.0.0.1:1")
    worker.numbers = lambda: numbers  # type: ignore[method-assign]
    worker.offsets = lambda: offsets  # type: ignore[method-assign]
    return worker
