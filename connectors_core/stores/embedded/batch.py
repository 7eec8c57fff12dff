"""Many records as one blob, by columns, so that a commit costs one row and no Python per record.

The layout, little-endian: the number of headers (4 bytes); the key lengths, the value lengths
(4 bytes each, -1 = null) and the timestamps (8 bytes each) of all records; for each header the
index of its record, the length of its name and of its value (4 bytes each, three columns); then
all keys, all values, all header names and values, end to end.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from connectors_core.api.store import Headers, Row

MAX_RECORDS = 1000
MAX_BYTES = 1 << 20
"""What one blob holds at most (a larger record is alone), which bounds a reader's memory."""

_COUNT = struct.Struct("<I")
_PLACE = struct.Struct("<qqqq")


def pack(rows: Sequence[Row], now: int) -> Iterator[tuple[int, bytes]]:
    """Give the rows in order as blobs, each with its number of records; `now` in ms.

    Raises TypeError, OverflowError, UnicodeEncodeError or struct.error for a row that is none.
    """
    for first in range(0, len(rows), MAX_RECORDS):
        yield from _split(rows[first : first + MAX_RECORDS], now)


def _split(rows: Sequence[Row], now: int) -> Iterator[tuple[int, bytes]]:
    data = _pack(rows, now)
    half = len(rows) // 2
    if len(data) <= MAX_BYTES or not half:
        yield len(rows), data
    else:
        del data
        yield from _split(rows[:half], now)
        yield from _split(rows[half:], now)


def _pack(rows: Sequence[Row], now: int) -> bytes:
    keys, values, stamps, headers = zip(*rows, strict=True)
    columns = [_lengths(keys), _lengths(values), _stamps(stamps, now)]
    names: list[bytes] = []
    if any(headers):
        names = _pack_headers(headers, columns)
    count = len(columns[3]) if names else 0
    # None and b"" both add nothing to the join: their lengths tell them apart.
    return b"".join(
        (
            _COUNT.pack(count),
            *map(_little, columns),
            b"".join(filter(None, keys)),
            b"".join(filter(None, values)),
            *names,
        )
    )


def _lengths(parts: Sequence[bytes | None]) -> array[int]:
    try:
        return array("i", map(len, parts))  # type: ignore[arg-type]
    except TypeError:
        return array("i", [-1 if part is None else len(part) for part in parts])


def _stamps(stamps: Sequence[int | None], now: int) -> array[int]:
    try:
        return array("q", stamps)  # type: ignore[arg-type]
    except TypeError:
        return array("q", [now if stamp is None else stamp for stamp in stamps])


def _pack_headers(headers: Sequence[Headers], columns: list[array[int]]) -> list[bytes]:
    indexes = array("i", [i for i, pairs in enumerate(headers) for _ in pairs])
    names = [name.encode() for pairs in headers for name, _ in pairs]
    values = [value for pairs in headers for _, value in pairs]
    columns += [indexes, array("i", map(len, names)), array("i", map(len, values))]
    return [*names, *values]


def _little(column: array[int]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def unpack(data: bytes, count: int, first: int = 0, last: int | None = None) -> list[Row]:
    """Return the records of a blob from index `first` up to, not including, `last`.

    Raises ValueError if the lengths in the blob don't add up.
    """
    (headers,) = _COUNT.unpack_from(data)
    position = _COUNT.size
    columns = []
    for code, size in (*(("i", count), ("i", count), ("q", count)), *([("i", headers)] * 3)):
        column = array(code)
        end = position + size * column.itemsize
        column.frombytes(data[position:end])
        if sys.byteorder == "big":
            column.byteswap()
        columns.append(column)
        position = end
    keys, after_keys = _parts(data, position, columns[0], first, last)
    values, after_values = _parts(data, after_keys, columns[1], first, last)
    extra, end = _unpack_headers(data, after_values, columns[3:])
    if end != len(data):
        raise ValueError(f"{len(data)} bytes where {end} are described")
    stamps = columns[2][first:last]
    return [
        (key, value, stamp, extra.get(index, ()))
        for index, key, value, stamp in zip(range(first, count), keys, values, stamps, strict=False)
    ]


def _parts(
    data: bytes, start: int, lengths: array[int], first: int, last: int | None
) -> tuple[Iterator[bytes | None], int]:
    ends = list(accumulate((max(length, 0) for length in lengths), initial=start))
    chosen = islice(zip(lengths, ends, strict=False), first, last)
    parts = (None if length < 0 else data[at : at + length] for length, at in chosen)
    return parts, ends[-1]


def _unpack_headers(
    data: bytes, start: int, columns: Sequence[array[int]]
) -> tuple[dict[int, Headers], int]:
    indexes, name_lengths, value_lengths = columns
    if not indexes:
        return {}, start
    names, after = _parts(data, start, name_lengths, 0, None)
    values, end = _parts(data, after, value_lengths, 0, None)
    found: dict[int, list[tuple[str, bytes]]] = {}
    for index, name, value in zip(indexes, names, values, strict=True):
        found.setdefault(index, []).append(((name or b"").decode(), value or b""))
    return {index: tuple(pairs) for index, pairs in found.items()}, end


def checksum(data: bytes, log: int, base: int, count: int, appended: int) -> int:
    """Return the CRC-32 of a blob and of the place that it belongs to."""
    return zlib.crc32(data, zlib.crc32(_PLACE.pack(log, base, count, appended)))
