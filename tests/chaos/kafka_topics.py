"""What somebody else does to topics while connectors use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.chaos.kafka_worker import until
from tests.kafka import topic

SECONDS = 30.0


def client(kafka: str) -> Any:
    """Return a client that changes topics."""
    return AdminClient({"bootstrap.servers": kafka, "log_level": 0})


def delete(kafka: str, name: str, *, anew: bool = False) -> None:
    """Delete a topic and wait until it is gone; make one of its name if it is to be there `anew`."""
    admin = client(kafka)
    admin.delete_topics([name])[name].result(SECONDS)
    until(lambda: name not in admin.list_topics(timeout=SECONDS).topics)
    if anew:
        topic.create(kafka, name, 3, cleanup_policy="compact")


def alter(kafka: str, name: str, setting: str, value: object) -> None:
    """Change one setting of a topic."""
    entry = ConfigEntry(setting, str(value), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    admin = client(kafka)  # its answers end with it
    admin.incremental_alter_configs([resource])[resource].result(SECONDS)


def put(kafka: str, name: str, partition: int, key: bytes, value: bytes | None) -> None:
    """Write one record, in no transaction."""
    producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0})
    producer.produce(name, value, key, partition)
    assert producer.flush(SECONDS) == 0


@contextmanager
def open_transaction(kafka: str, name: str, partitions: int, milliseconds: int) -> Iterator[Any]:
    """Let another producer have a transaction open in a topic; it is aborted in time, or at the end."""
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "transactional.id": topic.unique("foreign"),
            "transaction.timeout.ms": milliseconds,
            "socket.timeout.ms": milliseconds,
            "linger.ms": 0,
            "log_level": 0,
        }
    )
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for partition in range(partitions):
        producer.produce(name, b"foreign", b"foreign", partition)
    assert producer.flush(SECONDS) == 0
    yield producer
    # The brokers may have been faster.
    with suppress(KafkaException):
        producer.abort_transaction(SECONDS)
