"""Going through a topic page by page, within bounds that were fixed beforehand."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from connectors_core.api.store import LogReader, StoredRecord

PAGE = 500
"""Records a read: a page, not a topic, is in memory, and no read of the log is long."""


def scan(
    reader: LogReader, topic: str, partition: int, start: int, end: int
) -> Iterator[StoredRecord]:
    """Give the records of a partition from offset `start` to before `end`, in order.

    Records that retention removes meanwhile are passed over, as are offsets that hold none.
    """
    while start < end:
        page = reader.read(topic, partition, start, PAGE)
        if not page:
            return
        for record in page:
            if record.offset >= end:
                return
            yield record
        start = page[-1].offset + 1


def merged(
    reader: LogReader, topic: str, spans: Mapping[int, tuple[int, int]]
) -> Iterator[StoredRecord]:
    """Give the records of many partitions, oldest first, each partition in its own order."""
    parts = [scan(reader, topic, number, start, end) for number, (start, end) in spans.items()]
    return heapq.merge(*parts, key=lambda record: record.timestamp)
