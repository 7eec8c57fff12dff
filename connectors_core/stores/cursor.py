"""Going through a topic page by page, within bounds that were fixed beforehand."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        page = reader.read(topic, partition, start, min(PAGE, end - start))
        if not page:
            return
        for record in page:
            if record.offset >= end:
                return
            yield record
        start = page[-1].offset + 1


def newest(
    reader: LogReader, topic: str, partition: int, bounds: tuple[int, int], count: int
) -> Sequence[StoredRecord]:
    """Return the last `count` records within the bounds, fewer only if there are no more.

    Looks further back as long as there are too few: on Kafka some offsets hold no record but the
    end of a transaction, and some hold what was compacted or aborted.
    """
    first, end = bounds
    reach = count
    while True:
        start = max(first, end - reach)
        found = deque(scan(reader, topic, partition, start, end), maxlen=count)
        if len(found) >= count or start == first:
            return found
        reach *= 4


def merged(
    reader: LogReader, topic: str, spans: Mapping[int, tuple[int, int]]
) -> Iterator[StoredRecord]:
    """Give the records of many partitions, oldest first, each partition in its own order."""
    return by_time(
        scan(reader, topic, number, start, end) for number, (start, end) in spans.items()
    )


def by_time(parts: Iterable[Iterable[StoredRecord]]) -> Iterator[StoredRecord]:
    """Give the records of many partitions, oldest first, each partition in its own order."""
    return heapq.merge(*parts, key=lambda record: record.timestamp)
