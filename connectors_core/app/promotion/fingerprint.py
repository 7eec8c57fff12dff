"""Fingerprint: a checksum of records in their order, the same for a log wherever it is kept."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from connectors_core.api.store import StoredRecord

_HEAD = struct.Struct("<iiqi")
_PAIR = struct.Struct("<ii")
_BYTES = 16


class Fingerprint:
    """Covers key, value, headers and timestamp of every record, and which comes after which.

    Not `timed`, it leaves the timestamps out: a topic of LogAppendTime has its brokers' own.
    Lengths are part of it, so that no two different runs of records read the same.
    """

    def __init__(self, *, timed: bool) -> None:
        self.timed = timed
        self.count = 0
        self._hash = blake2b(digest_size=_BYTES)

    def add(self, record: StoredRecord) -> None:
        """Put the next record in."""
        self.count += 1
        self._hash.update(_encoded(record, record.timestamp if self.timed else 0))

    def copy(self) -> Fingerprint:
        """Return one that goes on from here by itself."""
        other = Fingerprint(timed=self.timed)
        other.count, other._hash = self.count, self._hash.copy()
        return other

    @property
    def digest(self) -> str:
        """The checksum so far, in hex."""
        return self._hash.hexdigest()


def _encoded(record: StoredRecord, timestamp: int) -> bytes:
    key, value, headers = record.key, record.value, record.headers
    parts = [
        _HEAD.pack(_length(key), _length(value), timestamp, len(headers)),
        key or b"",
        value or b"",
    ]
    for name, data in headers:
        text = name.encode()
        parts += [_PAIR.pack(len(text), len(data)), text, data]
    return b"".join(parts)


def _length(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def digest_of(values: Mapping[str, str]) -> str:
    """Return a checksum of offsets by partition key."""
    return digest_of_all(sorted(values.items()))


def digest_of_all(values: Iterable[tuple[str, ...]]) -> str:
    """Return a checksum of tuples of text in their order."""
    total = blake2b(digest_size=_BYTES)
    for one in values:
        for text in one:
            data = text.encode()
            total.update(len(data).to_bytes(4, "little") + data)
    return total.hexdigest()
