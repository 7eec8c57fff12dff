"""Proof: reads back what is on Kafka and compares it with what was read from the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors_core.api.errors import PyconnectError
from connectors_core.api.store import Slot, Transaction
from connectors_core.app.promotion import ledger
from connectors_core.app.promotion.fingerprint import Fingerprint
from connectors_core.app.promotion.ledger import CONNECTOR, Segment, TopicPartition, segment_key
from connectors_core.app.promotion.plan import Work
from connectors_core.app.promotion.report import PartitionProof, Progress
from connectors_core.app.promotion.target import Target


@dataclass(frozen=True, slots=True)
class Reading:
    """What Kafka has of a segment: how many records, and the checksum of its first `count`.

    `removed` says whether the brokers have removed the first ones.
    """

    records: int
    digest: str
    end: int
    removed: bool


def reading(
    target: Target,
    partition: TopicPartition,
    segment: Segment,
    bounds: tuple[int, int],
    step: Callable[[], None],
) -> Reading:
    """Read a segment from Kafka, to its end, or if that is not known to that of the partition."""
    first, high = bounds
    end = high if segment.end is None else segment.end
    found, records = Fingerprint(timed=segment.timed), 0
    for record in target.records(*partition, max(first, segment.begin), end):
        records += 1
        if found.count < segment.count:
            found.add(record)
        step()
    return Reading(records, found.digest, end, first > segment.begin)


class Prover:
    """Compares partitions, and remembers of those that hold where they end."""

    def __init__(self, target: Target, slot: Slot, progress: Progress) -> None:
        self._target = target
        self._slot = slot
        self._progress = progress
        self._done = self._total = 0

    def prove(self, works: Sequence[Work]) -> list[PartitionProof]:
        """Compare everything, whether it was copied now or before."""
        self._done, self._total = 0, sum(work.survey.whole.count for work in works)
        topics = {work.partition.topic for work in works}
        bounds = {topic: self._target.bounds(topic) for topic in topics}
        return [
            self._proof(work, bounds[work.partition.topic][work.partition.number]) for work in works
        ]

    def settle(self, partition: TopicPartition, segment: Segment) -> None:
        """Close a segment of which the log has lost records since, by what is remembered of it.

        Raises PyconnectError if Kafka has not just those.
        """
        bounds = self._target.bounds(partition.topic)[partition.number]
        found = reading(self._target, partition, segment, bounds, self._step)
        if (found.records, found.digest) != (segment.count, segment.digest):
            raise PyconnectError(
                f"{segment.count} records were copied, of which the log has lost the first since by"
                f" its retention, and Kafka has {found.records} that are not the same:"
                f" {_fault(found, segment.count)} (what the log has lost, only Kafka has).",
                code="promote.differs",
                place=str(partition),
            )
        self._seal(partition, replace(segment, end=found.end))

    def _proof(self, work: Work, bounds: tuple[int, int]) -> PartitionProof:
        segment = work.reached
        found = reading(self._target, work.partition, segment, bounds, self._step)
        holds = (found.records, found.digest) == (segment.count, segment.digest)
        note = "" if holds else _fault(found, segment.count)
        if holds and segment.end is None and segment.count:
            self._seal(work.partition, replace(segment, end=found.end))
        elif found.removed and segment.end is not None:
            holds, note = True, "compared before; since then the brokers' retention removed some"
        return PartitionProof(
            topic=work.partition.topic,
            partition=work.partition.number,
            copied=work.to_copy,
            log_records=segment.count,
            kafka_records=found.records,
            offset=segment.begin,
            log_checksum=segment.digest,
            kafka_checksum=found.digest,
            holds=holds,
            note=note,
        )

    def _seal(self, partition: TopicPartition, segment: Segment) -> None:
        """Remember that a segment is as in the log, and where it ends; others may write behind it."""
        key = (CONNECTOR, segment_key(partition))
        self._slot.commit(Transaction(offsets={key: segment.encoded()}))

    def _step(self) -> None:
        self._done += 1
        if self._done % 1000 == 0:
            self._progress.at("comparing", self._done, self._total)


def lost(
    remembered: Mapping[str, str], firsts: Mapping[TopicPartition, int]
) -> list[tuple[TopicPartition, Segment]]:
    """Return the segments that never were compared, and can't be any more with the log.

    `firsts` are the first records that the log still has.
    """
    found = []
    for partition, first in firsts.items():
        segment = ledger.segment(remembered, partition)
        if segment is not None and segment.end is None and first > segment.first:
            found.append((partition, segment))
    return found


def _fault(found: Reading, count: int) -> str:
    if found.removed:
        return (
            "the brokers have removed some by the topic's retention.ms. Delete the topic, have it"
            " kept longer, and promote again"
        )
    if found.records > count:
        return "others have written to the topic meanwhile. Delete the topic, and promote again"
    return "delete the topic, and promote again"
