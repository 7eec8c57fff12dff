"""What a topic holds, read from its start to its end: the judge of every promise about Kafka.

The end is the high watermark, asked of a consumer of its own that reads uncommitted:
`AdminClient.list_offsets` answers -1001 during a change of leaders, and what tells a consumer that
reads committed of an "end" means the last stable offset, which an open transaction holds back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

SECONDS = 120.0
PASSING = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""What is said while a broker dies or a leader changes; all else ends the reading."""


@dataclass(frozen=True)
class Stored:
    """One record as it stands in a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int


def committed(bootstrap: str, topic: str, seconds: float = SECONDS) -> list[Stored]:
    """Return what a reader of committed records sees, partition by partition, each in order.

    Waits for transactions that are open now, and raises TimeoutError rather than return a part.
    """
    return read(bootstrap, topic, "read_committed", seconds)


def uncommitted(bootstrap: str, topic: str, seconds: float = SECONDS) -> list[Stored]:
    """Return all records, those of open and aborted transactions too; else as `committed`."""
    return read(bootstrap, topic, "read_uncommitted", seconds)


def newest(bootstrap: str, topic: str, seconds: float = SECONDS) -> Mapping[bytes | None, bytes]:
    """Return the newest committed value of every key; one whose newest is a tombstone is not there."""
    found = {each.key: each.value for each in committed(bootstrap, topic, seconds)}
    return {key: value for key, value in found.items() if value is not None}


def open_transactions(bootstrap: str, topic: str, seconds: float = SECONDS) -> dict[int, int]:
    """Return by how much every partition's last stable offset is behind its end, where it is."""
    stable = bounds(bootstrap, topic, "read_committed", seconds)
    ends = bounds(bootstrap, topic, "read_uncommitted", seconds)
    return {
        partition: end - stable[partition][1]
        for partition, (_, end) in ends.items()
        if end > stable[partition][1]
    }


def consumer(bootstrap: str, isolation: str) -> Consumer:
    """Return a consumer that belongs to no group and commits nothing."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "oracle",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            # A part of the log that is gone is a fault to be seen, not to be jumped over.
            "auto.offset.reset": "error",
            "log_level": 0,
        }
    )


def bounds(
    bootstrap: str, topic: str, isolation: str, seconds: float
) -> dict[int, tuple[int, int]]:
    """Return the first and the next offset of every partition, or raise TimeoutError."""
    deadline = time.monotonic() + seconds
    asking = consumer(bootstrap, isolation)
    try:
        found = {}
        for partition in partitions(asking, topic, deadline):
            while (answer := watermarks(asking, topic, partition)) is None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic}[{partition}]: no end offset in {seconds:.0f} s.")
            found[partition] = answer
        return found
    finally:
        asking.close()


def partitions(asking: Consumer, topic: str, deadline: float) -> list[int]:
    """Return the numbers of a topic's partitions; a topic that is not there is an error."""
    while True:
        try:
            found = asking.list_topics(topic, timeout=5).topics[topic]
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            continue
        if found.error is not None:
            raise KafkaException(found.error)
        return sorted(found.partitions)


def watermarks(asking: Consumer, topic: str, partition: int) -> tuple[int, int] | None:
    """Return a partition's bounds, or None where nobody could tell them now."""
    try:
        low, high = asking.get_watermark_offsets(TopicPartition(topic, partition), timeout=5)
    except KafkaException:
        return None
    return (low, high) if low >= 0 and high >= 0 else None


def read(bootstrap: str, topic: str, isolation: str, seconds: float) -> list[Stored]:
    """Read from the first offset to the high watermark of every partition."""
    deadline = time.monotonic() + seconds
    ends = bounds(bootstrap, topic, "read_uncommitted", seconds)
    behind = {each: span for each, span in ends.items() if span[0] < span[1]}
    found: list[Stored] = []
    reader = consumer(bootstrap, isolation)
    try:
        reader.assign([TopicPartition(topic, each, low) for each, (low, _) in behind.items()])
        while behind:
            if time.monotonic() > deadline:
                raise TimeoutError(explain(topic, behind, reader, seconds))
            messages = reader.consume(10_000, timeout=0.1)
            found += [stored(message) for message in messages if within(message, ends)]
            for each in reader.position([TopicPartition(topic, each) for each in behind]):
                if each.offset >= behind[each.partition][1]:
                    del behind[each.partition]
    finally:
        reader.close()
    return sorted(found, key=lambda each: (each.partition, each.offset))


def explain(
    topic: str, behind: Mapping[int, tuple[int, int]], reader: Consumer, seconds: float
) -> str:
    """Return which partitions were not read to their end."""
    places = reader.position([TopicPartition(topic, each) for each in behind])
    read = ", ".join(
        f"[{each.partition}] to {each.offset} of {behind[each.partition][1]}" for each in places
    )
    return f"{topic}: read {read} in {seconds:.0f} s. Is a transaction open, or a broker down?"


def within(message: Message, ends: Mapping[int, tuple[int, int]]) -> bool:
    """Say whether a message is a record that was there when the end was asked for."""
    if (error := message.error()) is not None:
        if error.code() not in PASSING:
            raise KafkaException(error)
        return False
    return number(message.offset()) < ends[number(message.partition())][1]


def stored(message: Message) -> Stored:
    """Return a message as a record."""
    headers = message.headers() or []
    assert not isinstance(headers, dict)
    return Stored(
        number(message.partition()),
        number(message.offset()),
        message.key(),
        message.value(),
        tuple(headers),  # type: ignore[arg-type]
        message.timestamp()[1],
    )


def number(value: int | None) -> int:
    """Return what a message that was read always has."""
    assert value is not None
    return value
