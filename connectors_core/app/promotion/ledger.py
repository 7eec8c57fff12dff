"""What a promotion remembers on the cluster, in the offsets topic, as a connector of its own.

So it moves in the transactions of what it tells of (invariant 2), and is asked for like any offset
(docs/decisions/0015-promotion-ledger.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from connectors_core.api.record import canonical

CONNECTOR = "pyconnect:promote"
"""No connector's file can give it this name: a colon is not allowed there."""


class TopicPartition(NamedTuple):
    """A partition of a topic, here and on Kafka: records keep their partition."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.number}"


@dataclass(frozen=True, slots=True)
class Segment:
    """Records of one partition that lie on Kafka without a gap, as far as they are copied.

    They are `first` up to, not including, `next` of the log, and on Kafka they begin at `begin`.
    `end` is where they end there, known once it was looked that they are as in the log; None until
    then. `topic_id` tells the topic from a later one of the same name. `digest` is theirs.
    """

    topic_id: str
    first: int
    next: int
    begin: int
    end: int | None
    digest: str
    timed: bool

    @property
    def count(self) -> int:
        """How many records it has."""
        return self.next - self.first

    def encoded(self) -> str:
        """Return it as an offset."""
        return canonical(asdict(self))


@dataclass(frozen=True, slots=True)
class Handed:
    """How far a connector is handed over.

    `log` is the log that its `offsets` and `state` (checksums) come from, `before` the checksum of
    the offsets that were on Kafka when it began. Not `done`, some of its state has been moved.
    """

    log: str
    before: str
    offsets: str
    state: str
    done: bool

    @property
    def handed(self) -> tuple[str, str]:
        """What it is that is handed over, whatever file it came from."""
        return self.offsets, self.state

    def encoded(self) -> str:
        """Return it as an offset."""
        return canonical(asdict(self))


def segment_key(partition: TopicPartition) -> str:
    """Return the partition key under which a segment is kept."""
    return canonical({"topic": partition.topic, "partition": partition.number})


def handed_key(connector: str) -> str:
    """Return the partition key under which it is kept how far a connector is."""
    return canonical({"connector": connector})


def segment(offsets: Mapping[str, str], partition: TopicPartition) -> Segment | None:
    """Return the segment of a partition; None if nothing of it was ever copied."""
    text = offsets.get(segment_key(partition))
    return None if text is None else Segment(**json.loads(text))


def handed(offsets: Mapping[str, str], connector: str) -> Handed | None:
    """Return how far a connector is; None if its promotion has not begun."""
    text = offsets.get(handed_key(connector))
    return None if text is None else Handed(**json.loads(text))
