"""The three brokers of the compose file on one machine, with no container.

Their settings come from the environment of their services by the same class of Kafka that runs in
the official image, which formats their directories too. Only hosts, ports and directories are
others, as three brokers on one machine need.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compose.stack import BROKERS, environment
from tests.kafka.broker import HOST, free_ports
from tests.kafka.jvm import QUICK, Jvm, command

WRAPPER = "kafka.docker.KafkaDockerWrapper"
SECONDS = 60.0


@dataclass(frozen=True)
class Node:
    """A broker of the file, and where it is here."""

    number: int
    folder: Path
    plaintext: int
    controller: int
    external: int

    @property
    def service(self) -> str:
        """Return its name in the compose file."""
        return BROKERS[self.number]

    @property
    def data(self) -> Path:
        """Return what stands for its volume."""
        return self.folder / "data"

    def places(self) -> dict[str, str]:
        """Return where others find what the file says of this node."""
        return {
            f"{self.service}:9092": f"{HOST}:{self.plaintext}",
            f"{self.service}:9093": f"{HOST}:{self.controller}",
            f"127.0.0.1:{10_000 + self.number}": f"{HOST}:{self.external}",
        }

    def own_places(self) -> dict[str, str]:
        """Return what is other for this node alone."""
        return {
            "://:9092": f"://{HOST}:{self.plaintext}",
            "://:9093": f"://{HOST}:{self.controller}",
            "://:9094": f"://{HOST}:{self.external}",
            "/var/lib/kafka/data": str(self.data),
        }


class Loopback:
    """A context manager: three brokers, killed when it is left."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(9)
        self.nodes = [
            Node(number, folder / name, *ports[3 * number : 3 * number + 3])
            for number, name in enumerate(BROKERS)
        ]
        self.running: dict[int, Jvm] = {}

    def address(self, text: str) -> str:
        """Return an address or list of addresses of the file as it is here."""
        places = {old: new for node in self.nodes for old, new in node.places().items()}
        return replace(text, places)

    def external(self) -> str:
        """Return what a client outside of the containers starts from."""
        return self.address(",".join(f"127.0.0.1:{10_000 + node.number}" for node in self.nodes))

    def environment(self, node: Node) -> dict[str, str]:
        """Return the environment of a broker, with its places here."""
        return {
            name: replace(self.address(value), node.own_places())
            for name, value in environment(node.service).items()
        }

    def set_up(
        self, node: Node, others: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Do what the image does at every start: write server.properties, format what is new."""
        for name in ("default", "mounted", "final"):
            (node.folder / name).mkdir(parents=True, exist_ok=True)
        folders = [
            f"--{name}-configs-dir={node.folder / name}" for name in ("default", "mounted", "final")
        ]
        passed = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
        return subprocess.run(
            command(WRAPPER, ["setup", *folders], [*QUICK, "-Xmx128m"]),
            env={**passed, **self.environment(node), **(others or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def goes_on(self, done: subprocess.CompletedProcess[str]) -> bool:
        """Say whether the image would start the broker now; else its container ends with code 1."""
        return done.returncode == 0 or "already formatted" in (done.stdout + done.stderr).lower()

    def properties(self, node: Node) -> Path:
        """Return the file of settings that the image's class has written."""
        return node.folder / "final" / "server.properties"

    def start(self, node: Node) -> None:
        """Set up a broker and start it with the heap of the file; one that fails is an error."""
        done = self.set_up(node)
        assert self.goes_on(done), f"{node.service}: {done.stdout}{done.stderr}"
        heap = self.environment(node)["KAFKA_HEAP_OPTS"].split()
        log = node.folder / "log"
        self.running[node.number] = Jvm(
            "kafka.Kafka", [str(self.properties(node))], log, [*QUICK, *heap]
        )

    def kill(self, number: int) -> None:
        """End a broker by SIGKILL."""
        self.running.pop(number).kill()

    def __enter__(self) -> Loopback:
        try:
            for node in self.nodes:
                self.start(node)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self.running:
            self.kill(next(iter(self.running)))


def replace(text: str, places: Mapping[str, str]) -> str:
    """Replace all at once, so that nothing is replaced twice."""
    pattern = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    return re.sub(pattern, lambda found: places[found[0]], text)
