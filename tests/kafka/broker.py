"""What one broker of the tests is told: its ports, its folders and its server.properties."""

from __future__ import annotations

import base64
import random
import re
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to clients: those of a dead broker must be free when it returns."""
_given: set[int] = set()
"""Ports that somebody in this process has, though nobody may listen on them yet, or just now."""


def kafka_uuid() -> str:
    """Return an id as Kafka writes it: 16 bytes, base64 for URLs, no padding, no dash at first."""
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different, and never the same twice."""
    found: list[int] = []
    for port in random.SystemRandom().sample([*{*PORTS} - _given], len(PORTS) - len(_given)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            _given.update(found)
            return found
    raise OSError(f"{HOST}: has no {count} free ports between {PORTS.start} and {PORTS.stop}.")


@dataclass(frozen=True)
class Broker:
    """One node, broker and controller at once. Ports stay the same over restarts."""

    node: int
    folder: Path
    direct: int
    controller: int
    behind: int
    """Where a proxy finds the broker ..."""
    front: int
    """... and where clients that came through a proxy are sent: the proxy's own port."""

    @property
    def address(self) -> str:
        """Return host:port, without a proxy."""
        return f"{HOST}:{self.direct}"

    @property
    def data(self) -> Path:
        """Return the log directory."""
        return self.folder / f"broker-{self.node}"

    @property
    def log(self) -> Path:
        """Return the file of what the broker says."""
        return self.folder / f"broker-{self.node}.log"

    @property
    def properties(self) -> Path:
        """Return the file of its settings."""
        return self.folder / f"broker-{self.node}.properties"

    def settings(self, all_of_them: Sequence[Broker]) -> Mapping[str, object]:
        """Return the settings of this node among the others."""
        nodes = len(all_of_them)
        copies, in_sync = min(3, nodes), 2 if nodes >= 3 else 1
        return {
            "process.roles": "broker,controller",
            "node.id": self.node,
            "controller.quorum.voters": ",".join(
                f"{each.node}@{HOST}:{each.controller}" for each in all_of_them
            ),
            "listeners": f"PLAINTEXT://{HOST}:{self.direct},PROXIED://{HOST}:{self.behind},"
            f"CONTROLLER://{HOST}:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address},PROXIED://{HOST}:{self.front}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,"
            "CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.data,
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "num.partitions": 1,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            # Fifty partitions each would be loaded at every start and every change of a leader.
            "offsets.topic.num.partitions": 6,
            "transaction.state.log.num.partitions": 6,
            # A dead broker is found dead sooner than after the default of 9 s.
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 1000,
            # Forgotten transactions end at once, not within ten seconds.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 200,
            # 128 MiB of heap by default, taken at the start.
            "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
            # Tests write event times of other years: by those the broker would delete at once.
            "log.retention.ms": -1,
        }

    def identify(self) -> None:
        """Make a log directory that was copied from another node's this node's own."""
        file = self.data / "meta.properties"
        text = re.sub(r"(?m)^node\.id=.*$", f"node.id={self.node}", file.read_text())
        file.write_text(re.sub(r"(?m)^directory\.id=.*$", f"directory.id={kafka_uuid()}", text))

    def write(self, all_of_them: Sequence[Broker], extra: Mapping[str, object]) -> None:
        """Write server.properties; what is given extra wins."""
        settings = {**self.settings(all_of_them), **extra}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.properties.write_text("".join(f"{key}={each}\n" for key, each in settings.items()))
