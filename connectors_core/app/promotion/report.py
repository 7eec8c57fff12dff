"""What a promotion says: while it works, and of what it has found at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Is told while it works; on the thread that works."""

    def warn(self, text: str) -> None:
        """Hear of something to look at, before it is done."""
        ...

    def at(self, phase: str, done: int, total: int) -> None:
        """Hear how many records of a phase are done."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionProof:
    """One partition as it is in the log, and as it is read from Kafka.

    `offset` is where its records begin on Kafka. The checksums are of keys, values, headers and, if
    the brokers have not their own, timestamps, in their order.
    """

    topic: str
    partition: int
    copied: int
    log_records: int
    kafka_records: int
    offset: int
    log_checksum: str
    kafka_checksum: str
    holds: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConnectorProof:
    """A connector, how many offsets it has in the log, and what became of them and of its state."""

    connector: str
    offsets: int
    action: str
    holds: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What would be done for a partition: `dry_run` only."""

    topic: str
    partition: int
    log_records: int
    to_copy: int


@dataclass(slots=True)
class Report:
    """All of it. `schemas` is how many were registered now."""

    dry_run: bool
    plan: list[TopicPlan] = field(default_factory=list)
    partitions: list[PartitionProof] = field(default_factory=list)
    connectors: list[ConnectorProof] = field(default_factory=list)
    schemas: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether Kafka has what the log has."""
        proofs: Sequence[PartitionProof | ConnectorProof] = [*self.partitions, *self.connectors]
        return all(each.holds for each in proofs)
