"""Spreads a connector's partitions over its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace

from connectors_core.api.record import Partition


def spread(
    partitions: Sequence[Partition], tasks_max: int, before: Sequence[Sequence[Partition]] = ()
) -> list[list[Partition]]:
    """Return at most `tasks_max` groups, of sizes that differ by one at most when starting anew.

    A partition that had a place keeps it, as its group keeps its number, so a group may be empty;
    new ones go to the smallest group. Pure: the same arguments give the same groups.
    """
    wanted = set(partitions)
    groups = [[each for each in group if each in wanted] for group in before]
    groups += [[] for _ in range(min(tasks_max, len(partitions)) - len(groups))]
    placed = {each for group in groups for each in group}
    sizes = [(len(group), number) for number, group in enumerate(groups)]
    heapify(sizes)
    for partition in partitions:
        if partition not in placed:
            size, number = sizes[0]
            groups[number].append(partition)
            heapreplace(sizes, (size + 1, number))
    return groups
