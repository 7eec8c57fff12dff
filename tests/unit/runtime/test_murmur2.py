"""Keys go where Kafka's Java client would send them."""

from __future__ import annotations

import pytest

from connectors_core.runtime.murmur2 import murmur2, partition_for


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_as_kafka_utils_does(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed


def test_partition_is_the_positive_hash_modulo_the_count() -> None:
    for partitions in (2, 3, 7, 100):
        assert partition_for(b"21", partitions) == (-973932308 & 0x7FFFFFFF) % partitions
        assert partition_for(b"abc", partitions) == 479470107 % partitions
    assert partition_for(b"anything", 1) == 0


def test_every_length_of_key_has_a_partition_and_keeps_it() -> None:
    keys = [bytes(range(256)) * 2][0]
    first = [partition_for(keys[:size], 12) for size in range(200)]
    assert first == [partition_for(keys[:size], 12) for size in range(200)]
    assert set(first) == set(range(12))
    assert first == [(murmur2(keys[:size]) & 0x7FFFFFFF) % 12 for size in range(200)]
