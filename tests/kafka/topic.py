"""Topics for one test each: a name of their own, and there before the test goes on."""

from __future__ import annotations

import time
import uuid

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

SECONDS = 30.0


def unique(name: str) -> str:
    """Return a name that no other test, and no other run on the same cluster, has."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def create(
    bootstrap: str, topic: str, partitions: int = 1, copies: int = -1, **settings: object
) -> None:
    """Create a topic and wait until every address of `bootstrap` knows all partitions' leaders.

    -1 copies is the broker's default. Settings are written with `_` for `.`: `cleanup_policy="compact"`.
    """
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    config = {key.replace("_", "."): str(each) for key, each in settings.items()}
    new = NewTopic(topic, num_partitions=partitions, replication_factor=copies, config=config)
    client.create_topics([new], operation_timeout=SECONDS)[topic].result(SECONDS)
    deadline = time.monotonic() + SECONDS
    for address in bootstrap.split(","):
        while not knows(address, topic, partitions):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{topic}: {address} knows no leaders {SECONDS:.0f} s after it was created."
                )
            time.sleep(0.02)


def knows(address: str, topic: str, partitions: int) -> bool:
    """Say whether a broker knows the leader of every partition.

    By a client of its own: one that knows the other brokers may ask any of them.
    """
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        found = client.list_topics(topic, timeout=5).topics[topic].partitions
    except KafkaException:
        return False
    return len(found) == partitions and all(each.leader >= 0 for each in found.values())
