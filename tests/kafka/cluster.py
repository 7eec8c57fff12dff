"""A real Kafka cluster on loopback: started from the jars, and hurt in every way a test wants."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import PartitionMetadata

from tests.kafka.broker import HOST, Broker, free_ports, kafka_uuid
from tests.kafka.jvm import QUICK, Jvm, command

READY_SECONDS = 180.0
FORMAT_SECONDS = 60.0
TRANSACTIONS = "__transaction_state"
PAUSE = 0.05
"""Seconds between two looks at what a broker cannot be asked to tell by itself."""


def metadata(bootstrap: str, topic: str, seconds: float = 5.0) -> Mapping[int, PartitionMetadata]:
    """Return the partitions of a topic, asked afresh; none if it is not there."""
    found = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    partitions = found.list_topics(topic, timeout=seconds).topics[topic].partitions
    return dict(partitions)


def holds(fact: Callable[[], bool]) -> bool:
    """Say whether a fact holds; what nobody could answer, or has heard of, does not yet."""
    try:
        return fact()
    except (KafkaException, KeyError):
        return False


def java_hash(text: str) -> int:
    """Return Java's `Utils.abs(text.hashCode())`, by which Kafka finds coordinators."""
    number = 0
    units = text.encode("utf-16-be")
    for place in range(0, len(units), 2):
        number = (number * 31 + int.from_bytes(units[place : place + 2])) & 0xFFFF_FFFF
    return {0x8000_0000: 0}.get(number, min(number, 0x1_0000_0000 - number))


class Cluster:
    """Brokers numbered from 1, each a KRaft broker and controller at once.

    `settings` go over those of broker.py in every server.properties. Clients that start from
    `proxied_bootstrap` stay on the proxies that listen on each broker's `front` port (proxy.py),
    while the brokers talk to each other directly. Benchmarks give `options=()`: Java's own, slower
    to start and faster at work.
    """

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        *,
        settings: Mapping[str, object] | None = None,
        heap: str = "384m",
        options: Iterable[str] = QUICK,
    ) -> None:
        self.options = [f"-Xmx{heap}", *options]
        self.running: dict[int, Jvm] = {}
        ports = free_ports(4 * brokers)
        self.brokers = {
            node: Broker(node, folder, *ports[4 * node - 4 : 4 * node])
            for node in range(1, brokers + 1)
        }
        for broker in self.brokers.values():
            broker.write(list(self.brokers.values()), settings or {})

    @property
    def bootstrap(self) -> str:
        """Return host:port of every broker, without proxies."""
        return ",".join(broker.address for broker in self.brokers.values())

    @property
    def proxied_bootstrap(self) -> str:
        """Return host:port of every broker's proxy."""
        return ",".join(f"{HOST}:{broker.front}" for broker in self.brokers.values())

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Format what is new, start every broker that is down, and wait until all answer."""
        self.format()
        for node in self.brokers.keys() - self.running.keys():
            self.launch(node)
        self.wait_ready()

    def format(self) -> None:
        """Format the log directories that are new: the first by Kafka, the others after it."""
        first, *others = self.brokers.values()
        if (first.data / "meta.properties").exists():
            return
        arguments = ["format", "-t", kafka_uuid(), "-c", str(first.properties)]
        done = subprocess.run(
            command("kafka.tools.StorageTool", arguments, [*QUICK, "-Xmx128m"]),
            capture_output=True,
            text=True,
            check=False,
            timeout=FORMAT_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(
                f"{first.properties}: Kafka could not format the log directory it names:\n"
                f"{done.stdout}{done.stderr}"
            )
        # Another Java for each would double the time that a cluster needs to start.
        for broker in others:
            shutil.copytree(first.data, broker.data)
            broker.identify()

    def launch(self, node: int) -> None:
        """Start the process of a broker, and go on."""
        broker = self.brokers[node]
        assert node not in self.running, f"broker {node}: runs already. Kill or stop it before."
        self.running[node] = Jvm("kafka.Kafka", [str(broker.properties)], broker.log, self.options)

    def kill(self, node: int) -> None:
        """End a broker by SIGKILL; wait until it is gone."""
        self.running.pop(node).kill()

    def stop(self, node: int) -> None:
        """End a broker in good order; wait until it is gone."""
        self.running.pop(node).stop()

    def freeze(self, node: int) -> None:
        """Stop a broker's time: its connections stay open, and nothing answers."""
        self.running[node].freeze()

    def thaw(self, node: int) -> None:
        """Let a frozen broker go on."""
        self.running[node].thaw()

    def restart(self, node: int) -> None:
        """Start a broker again, stopped first if it runs, and wait until the cluster has it back."""
        if node in self.running:
            self.stop(node)
        self.launch(node)
        self.wait_ready()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every running broker answers, and knows all the others.

        Whoever is not ready in time is named, with the end of its log.
        """
        deadline = time.monotonic() + seconds
        for node, process in self.running.items():
            while not self.answers(node):
                late = time.monotonic() > deadline
                if late or not process.running():
                    fault = f"is not ready after {seconds:.0f} s" if late else "has ended"
                    raise TimeoutError(
                        f"broker {node}: {fault}. Read {process.log}:\n{process.tail()}"
                    )
                time.sleep(PAUSE)

    def answers(self, node: int) -> bool:
        """Say whether a broker takes clients, and knows of every broker that runs."""
        broker = self.brokers[node]
        for port in (broker.direct, broker.behind):
            try:
                socket.create_connection((HOST, port), timeout=1).close()
            except OSError:
                return False
        try:
            client = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
            known = client.list_topics(timeout=2).brokers
        except KafkaException:
            return False
        return known.keys() >= self.running.keys()

    def partition(self, topic: str, partition: int) -> PartitionMetadata:
        """Return what the brokers that run know of a partition now."""
        alive = ",".join(self.brokers[node].address for node in self.running)
        return metadata(alive, topic)[partition]

    def leader(self, topic: str, partition: int = 0) -> int:
        """Return the node that leads a partition now; -1 if none does."""
        return int(self.partition(topic, partition).leader)

    def isr(self, topic: str, partition: int = 0) -> set[int]:
        """Return the nodes that are in sync with a partition's leader now."""
        return set(self.partition(topic, partition).isrs)

    def coordinator(self, transactional_id: str) -> int:
        """Return the node that coordinates a producer's transactions now; -1 if none does."""
        alive = ",".join(self.brokers[node].address for node in self.running)
        partitions = metadata(alive, TRANSACTIONS)
        return int(partitions[java_hash(transactional_id) % len(partitions)].leader)

    def until(self, fact: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
        """Look until a fact about the cluster holds, such as another leader; TimeoutError if not."""
        deadline = time.monotonic() + seconds
        while not holds(fact):
            if time.monotonic() > deadline:
                logs = "\n".join(process.tail() for process in self.running.values())
                raise TimeoutError(f"{self.bootstrap}: not {what} after {seconds:.0f} s:\n{logs}")
            time.sleep(PAUSE)

    def close(self) -> None:
        """Kill every broker and delete its data; what it said and was told stays in the folder."""
        while self.running:
            self.kill(next(iter(self.running)))
        for broker in self.brokers.values():
            shutil.rmtree(broker.data, ignore_errors=True)
