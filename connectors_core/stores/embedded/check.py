"""Looks for anything in a log that a sound one can't have."""

from __future__ import annotations

from collections.abc import Iterator

from connectors_core.api.errors import StoreError
from connectors_core.stores.embedded.batch import checksum, unpack
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.names import canonical_problem

_PAGE = 500
_LOGS = """
SELECT log.id, name, partition, start, next, bytes, partitions
FROM log LEFT JOIN topic ON topic.id = log.topic ORDER BY log.id
"""
_ORPHANS = (
    ("batches of no partition", "batch WHERE log NOT IN (SELECT id FROM log)"),
    ("rows of state that have no owner", "state WHERE owner NOT IN (SELECT id FROM owner)"),
)


def problems(side: ReadSide) -> list[str]:
    """Return one line for each problem. Never raises StoreError: what can't be read is one."""
    found: list[str] = []
    for look in (_pages, _partitions, _orphans, _offsets):
        try:
            found += look(side)
        except StoreError as error:
            found.append(str(error))
    return found


def _pages(side: ReadSide) -> Iterator[str]:
    for (line,) in side.rows("PRAGMA integrity_check"):
        if line != "ok":
            yield f"file: {line}"


def _orphans(side: ReadSide) -> Iterator[str]:
    for what, where in _ORPHANS:
        ((count,),) = side.rows(f"SELECT count(*) FROM {where}")
        if count:
            yield f"{count} {what}"


def _partitions(side: ReadSide) -> Iterator[str]:
    # The ends are read before the batches: what is written or expires meanwhile is no problem.
    for log, name, partition, start, end, _, partitions in side.rows(_LOGS):
        place = f"topic {name}, partition {partition}"
        if name is None or not 0 <= partition < partitions:
            yield f"{place}: of no topic"
        yield from _batches(side, log, place, start, end)


def _batches(side: ReadSide, log: int, place: str, start: int, end: int) -> Iterator[str]:
    at = start
    while at < end:
        rows = side.rows(
            "SELECT base, count, appended, size, checksum, data FROM batch"
            " WHERE log = ? AND base >= ? ORDER BY base LIMIT 1",
            (log, at),
        )
        if not rows or rows[0][0] >= end:
            yield from _gap(side, log, place, at, end)
            return
        base, count, appended, size, crc, data = rows[0]
        if base != at:
            yield from _gap(side, log, place, at, base)
        yield from _batch(place, log, base, count, appended, size, crc, data)
        at = base + max(count, 1)
    if at != end:
        yield f"{place}: the records end at {at}, not at {end}"


def _gap(side: ReadSide, log: int, place: str, first: int, end: int) -> Iterator[str]:
    """Tell of a gap, unless the log's start has moved past it by now."""
    ((start,),) = side.rows("SELECT start FROM log WHERE id = ?", (log,))
    if start < end:
        yield f"{place}: the records from offset {max(first, start)} to {end - 1} are missing"


def _batch(
    place: str, log: int, base: int, count: int, appended: int, size: int, crc: int, data: bytes
) -> Iterator[str]:
    where = f"{place}, offsets {base} to {base + count - 1}"
    if checksum(data, log, base, count, appended) != crc or len(data) != size:
        yield f"{where}: the checksum is wrong"
        return
    try:
        found = len(unpack(data, count))
    except ValueError as error:
        yield f"{where}: {error}"
        return
    if found != count:
        yield f"{where}: holds {found} records"


def _offsets(side: ReadSide) -> Iterator[str]:
    last = 0
    while rows := side.rows(
        "SELECT id, connector, partition, offset FROM owner WHERE id > ? ORDER BY id LIMIT ?",
        (last, _PAGE),
    ):
        last = rows[-1][0]
        for _, connector, partition, offset in rows:
            for text, what in ((partition, "partition"), (offset or "{}", "offset")):
                if problem := canonical_problem(text, what):
                    yield f"connector {connector}: {problem}"
