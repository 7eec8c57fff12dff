"""States, and how partitions are spread over tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core import Partition
from connectors_core.herder.assign import spread
from connectors_core.herder.model import MOVES, State, joint_state

PARTITIONS = st.lists(st.integers(0, 40), unique=True).map(
    lambda numbers: [Partition({"p": number}) for number in numbers]
)


@given(first=PARTITIONS, second=PARTITIONS, tasks=st.integers(1, 12))
def test_every_partition_has_one_task_and_keeps_it(
    first: list[Partition], second: list[Partition], tasks: int
) -> None:
    before = spread(first, tasks)
    after = spread(second, tasks, before)
    assert len(after) <= tasks
    assert sorted(p.key for group in after for p in group) == sorted(p.key for p in second)
    home = {p: number for number, group in enumerate(before) for p in group}
    for number, group in enumerate(after):
        assert all(home.get(p, number) == number for p in group)


@given(partitions=PARTITIONS, tasks=st.integers(1, 12))
def test_a_first_spread_is_even(partitions: list[Partition], tasks: int) -> None:
    sizes = [len(group) for group in spread(partitions, tasks)]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_every_state_has_its_moves_and_can_be_left() -> None:
    assert set(MOVES) == set(State)
    assert all(moves and state not in moves for state, moves in MOVES.items())


@pytest.mark.parametrize(
    ("states", "joint"),
    [
        ([], State.RUNNING),
        ([State.RUNNING, State.FAILED], State.FAILED),
        ([State.RUNNING, State.COMPLETED], State.RUNNING),
        ([State.COMPLETED, State.COMPLETED], State.COMPLETED),
        ([State.COMPLETED, State.STOPPED], State.STOPPED),
    ],
)
def test_a_connector_is_as_bad_as_its_worst_task(states: list[State], joint: State) -> None:
    assert joint_state(states) is joint
