"""What a reader of committed records sees of a topic's one partition, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, TopicPartition

PAUSE = 0.01
"""Seconds between two looks at how far a topic has come."""


class Watch:
    """Times are those of `time.monotonic`. Every wait has a bound, and raises TimeoutError after it.

    Counts are offsets: the mark at the end of a transaction is counted like a record. That is at most
    one in a thousand here, and most with the peer's small transactions.
    """

    def __init__(self, bootstrap: str, topic: str, seconds: float) -> None:
        self._place = TopicPartition(topic, 0)
        self._seconds = seconds
        self._written = consumer(bootstrap, "read_uncommitted")
        self._committed = consumer(bootstrap, "read_committed")

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._written.close()
        self._committed.close()

    def rate(self, count: int) -> float:
        """Return records per second, from the first one written to the last of `count` committed."""
        began = self._until(self._written, 1)
        return count / (self._until(self._committed, count) - began)

    @contextmanager
    def first(self) -> Iterator[Future[float]]:
        """Wait in a thread, from the block's start on, for the next record that is committed."""
        start = end(self._committed, self._place)
        place = TopicPartition(self._place.topic, self._place.partition, start)
        self._committed.assign([place])
        self._committed.poll(0)
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self._next)

    def _next(self) -> float:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            found = self._committed.poll(0.1)
            if found is not None and found.error() is None:
                return time.monotonic()
        raise TimeoutError(f"{self._place.topic}: no committed record in {self._seconds:.0f} s.")

    def _until(self, asking: Consumer, count: int) -> float:
        deadline = time.monotonic() + self._seconds
        while (found := end(asking, self._place)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self._place.topic}: {found:,} of {count:,} in {self._seconds:.0f} s."
                )
            time.sleep(PAUSE)
        return time.monotonic()


def end(asking: Consumer, place: TopicPartition) -> int:
    """Return the offset after the last record that a consumer may see; 0 if nobody tells now."""
    try:
        return int(asking.get_watermark_offsets(place, timeout=10)[1])
    except KafkaException:
        return 0


def consumer(bootstrap: str, isolation: str) -> Consumer:
    """Return a consumer of no group that is told of new records at once."""
    properties = {
        "bootstrap.servers": bootstrap,
        "group.id": "benchmark",
        "enable.auto.commit": False,
        "isolation.level": isolation,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,
    }
    return Consumer(properties)
