"""The hash by which Kafka's Java client spreads keys over partitions.

`org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`: the same
key goes to the same partition on the embedded log, on Kafka, and from a Java producer.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_WORD = Struct("<I")
_CACHED_BYTES = 64


def murmur2(data: bytes) -> int:
    """Return the 32-bit hash of `data` as Java's signed int."""
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for (word,) in _WORD.iter_unpack(data[:whole]):
        k = (word * _M) & _MASK
        h = ((h * _M) & _MASK) ^ (((k ^ (k >> 24)) * _M) & _MASK)
    if whole < length:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of a key: the positive hash modulo the number of partitions."""
    if partitions == 1:
        return 0
    hashed = _cached(key) if len(key) <= _CACHED_BYTES else murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


# Keys repeat (symbols, hosts, words); long ones are not cached, so the cache stays under 1 MiB.
_cached = lru_cache(maxsize=4096)(murmur2)
