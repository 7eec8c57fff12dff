"""Three real brokers on this machine, at full speed, and topics on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from tests.kafka import topic
from tests.kafka.cluster import Cluster

HEAP = "1g"
WARM_SECONDS = 180.0


@contextmanager
def brokers(folder: Path, *, warm: bool = True) -> Iterator[Cluster]:
    """Start three brokers and end them after the block; `warm` ones have taken records before.

    Each topic has three replicas, two of which must be in sync. Raises MissingToolError where Java
    or Maven is missing.
    """
    # Java's own options: those of the tests start sooner and work slower.
    with Cluster(folder / "kafka", brokers=3, options=(), heap=HEAP) as cluster:
        if warm:
            _warm(cluster.bootstrap)
        yield cluster


@contextmanager
def fresh(bootstrap: str, name: str, partitions: int = 1) -> Iterator[str]:
    """Make a topic, and delete it after the block: rounds must not fill the disk."""
    unique = topic.unique(name)
    topic.create(bootstrap, unique, partitions)
    try:
        yield unique
    finally:
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        with suppress(KafkaException):
            client.delete_topics([unique])[unique].result(30)


def _warm(bootstrap: str) -> None:
    """Let the brokers compile what transactions need, large and small, as in one that runs for days.

    Without it the first minutes are up to three times slower than all that follow, for whoever is
    measured.
    """
    with fresh(bootstrap, "warm") as name:
        properties = {"bootstrap.servers": bootstrap, "transactional.id": name, "log_level": 0}
        producer = Producer(properties)
        producer.init_transactions(60)
        end = time.monotonic() + WARM_SECONDS
        sizes = cycle((1, 500, 2_000, 20_000))
        while time.monotonic() < end:
            producer.begin_transaction()
            for _ in range(next(sizes)):
                producer.produce(name, b"x" * 200, partition=0)
            producer.commit_transaction(60)
