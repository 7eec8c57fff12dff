"""Going through a log whose offsets are not all records, as on Kafka."""

from __future__ import annotations

from typing import Any

import pytest

from connectors_core.api.store import StoredRecord
from connectors_core.stores.cursor import newest, scan


class Marked:
    """The reading side of a log in which only every `step`-th offset holds a record."""

    def __init__(self, step: int) -> None:
        self._step = step
        self.reads = 0

    def read(self, topic: str, partition: int, start: int, limit: int = 500) -> list[StoredRecord]:
        self.reads += 1
        first = -(-start // self._step) * self._step
        offsets = range(first, 1000, self._step)[:limit]
        return [StoredRecord(topic, partition, each, each, None, None) for each in offsets]


@pytest.mark.parametrize("step", [1, 2, 7, 300, 999])
@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_the_newest_are_found_however_many_offsets_hold_none(step: int, count: int) -> None:
    reader: Any = Marked(step)
    found = [each.offset for each in newest(reader, "t", 0, (0, 1000), count)]
    assert found == list(range(0, 1000, step))[-count:] * bool(count)


def test_no_more_is_read_than_the_newest_where_every_offset_holds_one() -> None:
    reader: Any = Marked(1)
    newest(reader, "t", 0, (0, 1000), 10)
    assert reader.reads == 1


def test_what_is_no_longer_kept_or_not_yet_there_is_left_out() -> None:
    reader: Any = Marked(1)
    assert [each.offset for each in newest(reader, "t", 0, (990, 995), 10)] == [*range(990, 995)]


@pytest.mark.parametrize("step", [1, 2, 7, 300, 999])
@pytest.mark.parametrize("bounds", [(0, 1000), (1, 999), (499, 500), (500, 500), (600, 500)])
def test_a_scan_gives_what_is_within_the_bounds(step: int, bounds: tuple[int, int]) -> None:
    reader: Any = Marked(step)
    found = [each.offset for each in scan(reader, "t", 0, *bounds)]
    assert found == [offset for offset in range(*bounds) if offset % step == 0]


def test_a_scan_reads_a_page_at_a_time() -> None:
    reader: Any = Marked(1)
    next(scan(reader, "t", 0, 0, 1000))
    assert reader.reads == 1
    assert len(list(scan(reader, "t", 0, 0, 1000))) == 1000
    assert reader.reads == 3
