"""Brokers that die by SIGKILL: the worker goes on by itself, nothing is lost or doubled."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors_core.api.store import TopicSpec
from connectors_core.cli.group import pyconnect
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.topics import Topics
from tests.chaos.brokers_worker import Worker
from tests.kafka.cluster import Cluster
from tests.kafka.jvm import QUICK, command
from tests.kafka.topic import create, unique

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
MEBI = 1 << 20


@pytest.fixture(autouse=True)
def healed(cluster: Cluster) -> Iterator[None]:
    """Start again what a test that failed has left dead."""
    yield
    cluster.start()


def controller(cluster: Cluster) -> int:
    """Return the active controller; metadata names any broker, so Kafka's own tool is asked."""
    arguments = ["--bootstrap-server", cluster.bootstrap, "describe", "--status"]
    tool = command("org.apache.kafka.tools.MetadataQuorumCommand", arguments, QUICK)
    said = subprocess.run(tool, capture_output=True, text=True, check=True, timeout=60).stdout
    return int(said.split("LeaderId:")[1].split()[0])


def whole(cluster: Cluster, topic: str) -> bool:
    """Say whether all replicas of all three partitions are in sync."""
    return all(cluster.isr(topic, each) == {1, 2, 3} for each in range(3))


def test_the_worker_goes_on_whichever_broker_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    worker = Worker(tmp_path, cluster.bootstrap)
    worker.make_topic()
    transactions = f"pyconnect-offsets-{worker.name}"
    victims: list[Callable[[], int]] = [
        lambda: cluster.leader(worker.topic, 0),
        lambda: cluster.coordinator(transactions),
        lambda: controller(cluster),
        lambda: 1,
        lambda: 2,
        lambda: 3,
    ]
    with worker:
        worker.goes_on()
        for choose in victims:
            victim = choose()
            cluster.kill(victim)
            worker.goes_on()
            cluster.restart(victim)
            cluster.until(lambda: whole(cluster, worker.topic), "in sync")
            worker.goes_on()
        worker.stop()
    count = worker.judge(at_least=10_000)
    print(f"{len(victims)} kills, {count} records, longest stall {worker.longest:.1f} s")
    assert "FAILED" not in worker.states


def test_topics_are_described_when_the_broker_that_answered_for_them_is_dead(
    cluster: Cluster,
) -> None:
    """A client goes on asking the broker that its metadata call the controller, dead or not."""
    name = unique("described")
    create(cluster.bootstrap, name, 3)
    topics = Topics(KafkaSettings({"bootstrap.servers": cluster.bootstrap}))
    before = topics.identity(name)
    cluster.kill(topics.metadata().controller_id)
    assert topics.identity(name) == before
    assert topics.configuration(name)["cleanup.policy"] == "delete"
    assert topics.settings_of([name]) == {name: {}}
    assert topics.ensure([TopicSpec(unique("made"), 1)])
    topics.close()


@pytest.mark.parametrize(("dead", "seconds"), [((1, 2), 30), ((1, 2, 3), 60)])
def test_the_worker_waits_while_too_few_brokers_are_left(
    cluster: Cluster, tmp_path: Path, dead: tuple[int, ...], seconds: float
) -> None:
    """A transaction ends after 10 s here, so that the outage outlasts some tries to begin anew.

    None of them counts: `restart.max: 0` would end the connector at the first that does. A commit
    whose end was on its way when the brokers died is waited for longest: 70 s.
    """
    options: dict[str, Any] = {"per_second": 5000, "padding": 1000, "restart.max": 0}
    worker = Worker(tmp_path, cluster.bootstrap, timeout="10s", **options)
    worker.make_topic()
    with worker:
        worker.goes_on(records=20_000)
        before = worker.memory
        for each in dead:
            cluster.kill(each)
        worker.forget()
        words = "the store has not answered"
        worker.until(lambda: worker.was_told(words), f"told {words!r}", 120)
        worker.until(worker.saw_the_brokers_fail, "told an error of the brokers", 150)
        worker.lives_through(seconds)
        states, grown = set(worker.states), worker.memory - before
        for each in dead:
            cluster.launch(each)
        cluster.wait_ready()
        took = worker.goes_on()
        worker.stop()
    count = worker.judge(at_least=10_000)
    print(
        f"{dead} dead: {states}, {grown / MEBI:.0f} MiB more, on after {took:.1f} s, {count} records"
    )
    assert states <= {"RUNNING", "RESTARTING"}
    assert grown < 48 * MEBI, "memory grew while nothing could be written"


def described(cluster: Cluster, topic: str) -> list[dict[str, Any]]:
    """Return what `pyconnect topics describe` says to programs, and assert that people see it."""
    alive = ",".join(cluster.brokers[node].address for node in cluster.running)
    words = ["topics", "describe", topic, "--kafka", alive]
    found = CliRunner().invoke(pyconnect, [*words, "--json"], catch_exceptions=False)
    table = CliRunner().invoke(pyconnect, words, catch_exceptions=False)
    assert (found.exit_code, table.exit_code) == (0, 0), found.output + table.output
    partitions: list[dict[str, Any]] = json.loads(found.stdout)["partitions"]
    rows = [line.split() for line in table.stdout.splitlines()[1:]]
    assert [int(row[0]) for row in rows] == [each["partition"] for each in partitions]
    return partitions


def described_as_whole(cluster: Cluster, topic: str) -> bool:
    """Say whether all three partitions are shown with all their replicas in sync."""
    found = described(cluster, topic)
    return len(found) == 3 and all(
        sorted(each["replicas"]) == each["in_sync"] == [1, 2, 3] for each in found
    )


def described_without(cluster: Cluster, topic: str, victim: int) -> bool:
    """Say whether the first partition is shown with another leader, and the others in sync."""
    first = described(cluster, topic)[0]
    return (
        first["leader"] not in (victim, None)
        and first["in_sync"] == sorted({1, 2, 3} - {victim})
        and sorted(first["replicas"]) == [1, 2, 3]
    )


def test_a_partition_whose_leader_is_killed_gets_another(cluster: Cluster, tmp_path: Path) -> None:
    """The seed's lesson, as docs/how-to/failover.md tells it."""
    worker = Worker(tmp_path, cluster.bootstrap, topic=unique("news-headlines"))
    worker.make_topic()
    cluster.until(lambda: described_as_whole(cluster, worker.topic), "described as whole")
    with worker:
        worker.goes_on()
        victim = described(cluster, worker.topic)[0]["leader"]
        cluster.kill(victim)
        cluster.until(lambda: described_without(cluster, worker.topic, victim), "led by another")
        worker.goes_on()
        cluster.restart(victim)
        cluster.until(lambda: described_as_whole(cluster, worker.topic), "described as whole again")
        worker.goes_on()
        worker.stop()
    worker.judge(at_least=2_000)
