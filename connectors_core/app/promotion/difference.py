"""Difference: what must change for one keyed state to become another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from connectors_core.app.promotion.source import SourceLog, pairs
from connectors_core.stores.kafka.slot import KafkaSlot

Change: TypeAlias = tuple[str, str | None]
"""A key and its new value; None deletes."""
Pairs: TypeAlias = Iterable[tuple[str, str]]


def difference(wanted: Pairs, there: Pairs) -> Iterator[Change]:
    """Give the changes that make `there` into `wanted`; both ordered by key, and so is this."""
    left, right = iter(wanted), iter(there)
    new, old = next(left, None), next(right, None)
    while new is not None or old is not None:
        if old is None or (new is not None and new[0] < old[0]):
            assert new is not None
            yield new
            new = next(left, None)
        elif new is None or old[0] < new[0]:
            yield old[0], None
            old = next(right, None)
        else:
            if new[1] != old[1]:
                yield new
            new, old = next(left, None), next(right, None)


def state_changes(
    source: SourceLog, slot: KafkaSlot, connector: str
) -> Iterator[tuple[str, Change]]:
    """Give by partition key what must change on Kafka for its state to be that of the log."""
    here = source.state_partitions(connector)
    for partition in sorted({*here, *slot.keys(connector)}):
        wanted = pairs(source.state(connector, partition))
        there = pairs(slot.state(connector, partition))
        for change in difference(wanted, there):
            yield partition, change


def portions(
    changes: Iterable[tuple[str, Change]], count: int, size: int
) -> Iterator[list[tuple[str, Change]]]:
    """Cut into lists of up to `count` changes that are about `size` bytes at most."""
    some: list[tuple[str, Change]] = []
    held = 0
    for one in changes:
        some.append(one)
        held += len(one[1][0]) + len(one[1][1] or "")
        if len(some) >= count or held >= size:
            yield some
            some, held = [], 0
    if some:
        yield some
