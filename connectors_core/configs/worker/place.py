"""Where a worker keeps its log: what was asked, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DATA_DIR = Path("pyconnect-data")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; None is what it leaves to the environment and the file."""

    data_dir: Path | None = None
    kafka: str | None = None
    worker: Path | None = None


@dataclass(frozen=True, slots=True)
class KafkaPlace:
    """A Kafka cluster, as the worker's settings say it.

    `client` has librdkafka's properties as text; it may hold secrets and is not shown (invariant
    9). `said_by` is where the cluster's addresses stand: `--kafka`, a variable, a file and line.
    """

    client: Mapping[str, str] = field(repr=False)
    said_by: str
    offsets_topic: str
    claims_topic: str
    schemas_topic: str
    transaction_timeout_ms: int

    @property
    def address(self) -> str:
        """The addresses, as given."""
        return self.client["bootstrap.servers"]


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where the log is: the file in `data_dir`, or `kafka`. Then too, `data_dir` has one owner and
    holds its control socket and the local copies of keyed state."""

    data_dir: Path = DATA_DIR
    kafka: KafkaPlace | None = None
