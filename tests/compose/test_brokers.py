"""What the compose file tells its brokers is what real brokers run with, and makes a cluster."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigEntry, ConfigResource, ConfigSource
from confluent_kafka.admin._metadata import ClusterMetadata, PartitionMetadata
from confluent_kafka.admin._resource import ResourceType

from tests.compose.loopback import Loopback
from tests.compose.properties import parse, properties
from tests.compose.stack import COMPOSE, dotenv, environment
from tests.kafka.jvm import command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 60.0
TOPIC = "test-crawling-topic"
RECORDS = 300
# min.insync.replicas is made a setting of the whole cluster at its first start (KIP-966).
SAID = {ConfigSource.STATIC_BROKER_CONFIG, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG}


@pytest.fixture
def topics_sh(loopback: Loopback, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that runs topics.sh as its container does, on the brokers here."""
    tool = tmp_path / "kafka-topics.sh"
    words = command("org.apache.kafka.tools.TopicCommand", [], ["-Xmx128m"])
    tool.write_text(f'#!/bin/sh\nexec "{words[0]}" {" ".join(map(repr, words[1:]))} "$@"\n')
    tool.chmod(0o755)
    variables = {name: loopback.address(value) for name, value in environment("Topics").items()} | {
        "PATH": os.environ["PATH"],
        "TOPICS_TOOL": str(tool),
    }

    def run(topic: str) -> str:
        done = subprocess.run(
            ["bash", COMPOSE / "topics.sh"],
            env=variables | {"TOPICS": topic},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def until(fact: Callable[[], bool]) -> None:
    """Look until it is so. A cluster tells nobody of its changes: looking is all there is."""
    deadline = time.monotonic() + SECONDS
    while not fact():
        assert time.monotonic() < deadline, "not so after 60 s"
        time.sleep(0.1)


def client(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def cluster_of(bootstrap: str) -> ClusterMetadata:
    return client(bootstrap).list_topics(timeout=SECONDS)


def partitions(bootstrap: str, topic: str) -> dict[int, PartitionMetadata]:
    return dict(client(bootstrap).list_topics(topic, timeout=SECONDS).topics[topic].partitions)


def replicas(bootstrap: str, topic: str) -> set[int]:
    """Return how many replicas partitions have; empty if the topic is not there."""
    return {len(each.replicas) for each in partitions(bootstrap, topic).values()}


def settings(bootstrap: str, kind: ResourceType, name: str) -> dict[str, ConfigEntry]:
    asking = client(bootstrap)
    (found,) = asking.describe_configs([ConfigResource(kind, name)]).values()
    return dict(found.result(SECONDS))


def produce(bootstrap: str, topic: str, values: range, *, transaction: str | None = None) -> None:
    """Write numbers, each acknowledged by all in-sync replicas."""
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error:
            failed.append(error)

    config: dict[str, str | int] = {
        "bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": "true", "log_level": 0,
    }  # fmt: skip
    producer = Producer(config | ({"transactional.id": transaction} if transaction else {}))
    if transaction:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, str(value), partition=value % 3, on_delivery=delivered)
    if transaction:
        producer.commit_transaction(SECONDS)
    assert producer.flush(SECONDS) == 0 and not failed


def consume(bootstrap: str, topic: str, count: int) -> list[int]:
    """Read that many numbers from the start, as a group that commits where it is."""
    found: list[int] = []
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "compose",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(3)])
    deadline = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message and not message.error():
            found.append(int(message.value() or b"-1"))
    until(lambda: committed(consumer))
    consumer.close()
    return sorted(found)


def committed(consumer: Consumer) -> bool:
    """Commit where a group is; False while nobody takes it, as when its coordinator has died."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException:
        return False
    return True


def test_the_class_in_the_image_makes_these_settings_of_the_environment(
    loopback: Loopback,
) -> None:
    for node in loopback.nodes:
        wrote = parse(loopback.properties(node).read_text())
        assert wrote == properties(loopback.environment(node))


def test_every_setting_is_one_that_the_broker_knows_and_runs_with(
    loopback: Loopback, outside: str
) -> None:
    """Kafka says nothing of a setting that it does not know: a slip of the pen would be lost."""
    for node in loopback.nodes:
        wrote = parse(loopback.properties(node).read_text())
        runs = settings(outside, ResourceType.BROKER, str(node.number))
        for name, value in wrote.items():
            assert name in runs, f"{name}: no setting of a broker"
            assert runs[name].value == value
            assert ConfigSource(runs[name].source) in SAID


def test_the_three_are_one_cluster_of_the_id_in_dotenv(loopback: Loopback, outside: str) -> None:
    found = cluster_of(outside)
    assert found.cluster_id == dotenv()["CLUSTER_ID"]
    assert {each.port for each in found.brokers.values()} == {
        node.external for node in loopback.nodes
    }


def test_topics_sh_makes_the_topic_and_leaves_alone_what_is_there(
    topics_sh: Callable[[str], str], outside: str
) -> None:
    assert "Created topic made-by-the-script" in topics_sh("made-by-the-script")
    until(lambda: len(partitions(outside, "made-by-the-script")) == 3)
    assert replicas(outside, "made-by-the-script") == {3}
    minimum = settings(outside, ResourceType.TOPIC, "made-by-the-script")["min.insync.replicas"]
    assert (minimum.value, ConfigSource(minimum.source)) == (
        "2",
        ConfigSource.DYNAMIC_TOPIC_CONFIG,
    )
    assert "Created" not in topics_sh("made-by-the-script")
    assert len(partitions(outside, "made-by-the-script")) == 3


def test_a_topic_that_nobody_made_is_made_with_three_replicas(
    loopback: Loopback, outside: str
) -> None:
    produce(outside, "made-by-writing", range(1))
    found = partitions(outside, "made-by-writing")
    assert len(found) == 3 and replicas(outside, "made-by-writing") == {3}
    minimum = settings(outside, ResourceType.TOPIC, "made-by-writing")["min.insync.replicas"]
    assert minimum.value == "2"


@pytest.mark.chaos
def test_a_leader_dies_another_leads_and_nothing_is_lost(
    loopback: Loopback, topics_sh: Callable[[str], str], outside: str
) -> None:
    """Written through the ports of the host, read through those of the network, in transactions."""
    topics_sh(TOPIC)
    inside = loopback.address(environment("worker")["PYCONNECT_KAFKA"])
    produce(outside, TOPIC, range(RECORDS), transaction="before")
    assert consume(inside, TOPIC, RECORDS) == list(range(RECORDS))
    assert replicas(inside, "__consumer_offsets") == {3}
    assert replicas(inside, "__transaction_state") == {3}

    dead = partitions(outside, TOPIC)[0].leader
    loopback.kill(dead)
    try:
        until(lambda: partitions(outside, TOPIC)[0].leader not in (dead, -1))
        produce(outside, TOPIC, range(RECORDS, 2 * RECORDS), transaction="after")
        assert consume(inside, TOPIC, 2 * RECORDS) == list(range(2 * RECORDS))
    finally:
        loopback.start(loopback.nodes[dead])
    until(lambda: all(len(each.isrs) == 3 for each in partitions(outside, TOPIC).values()))


def test_a_second_start_goes_on_with_the_volume_but_not_under_another_id(
    loopback: Loopback,
) -> None:
    """The image ends with code 1 in the second case, and goes on in the first."""
    node = loopback.nodes[0]
    again = loopback.set_up(node)
    assert loopback.goes_on(again) and "already formatted" in again.stdout + again.stderr
    other = loopback.set_up(node, {"CLUSTER_ID": "eAJw2DkAQsSlgxm92vgA6Q"})
    assert not loopback.goes_on(other) and "Invalid cluster.id" in other.stderr
