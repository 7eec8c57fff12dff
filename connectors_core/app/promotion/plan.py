"""Plan: what is to be copied where, and everything that is in the way, before anything is moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import TopicInfo, TopicSpec
from connectors_core.app.promotion import ledger
from connectors_core.app.promotion.decision import Found, onward
from connectors_core.app.promotion.fit import expiring, misfits
from connectors_core.app.promotion.ledger import Segment, TopicPartition
from connectors_core.app.promotion.report import Progress
from connectors_core.app.promotion.source import SourceLog
from connectors_core.app.promotion.survey import Survey, survey
from connectors_core.app.promotion.target import Limits, Target


@dataclass(frozen=True, slots=True)
class Work:
    """One partition: the segment to go on with, and what is known of its records here."""

    partition: TopicPartition
    segment: Segment
    survey: Survey

    @property
    def to_copy(self) -> int:
        """How many records are not there yet."""
        return self.survey.end - self.segment.next

    @property
    def reached(self) -> Segment:
        """The segment as it must be when all is copied, by what was read of the log beforehand.

        Where the log has lost records of it, by what was remembered of them.
        """
        whole = self.survey.whole
        if not self.to_copy and self.survey.first > self.segment.first:
            return self.segment
        end = None if self.to_copy else self.segment.end
        return replace(self.segment, next=self.survey.end, end=end, digest=whole.digest)


class Planner:
    """Collects all that is wrong and says it at once.

    `remembered` is the ledger. What the brokers would give a topic that is missing is not known, and
    not looked at.
    """

    def __init__(
        self,
        source: SourceLog,
        target: Target,
        remembered: Mapping[str, str],
        progress: Progress,
        *,
        append: bool,
    ) -> None:
        self._source = source
        self._target = target
        self._remembered = remembered
        self._progress = progress
        self._append = append
        self.problems: list[ConfigError] = []

    def partitions(self, topics: Sequence[TopicInfo], specs: Mapping[str, TopicSpec]) -> list[Work]:
        """Plan the partitions of topics. Raises ConfigError with every problem."""
        total, done = sum(topic.records for topic in topics), 0

        def step() -> None:
            nonlocal done
            done += 1
            if done % 1000 == 0:
                self._progress.at("looking", done, total)

        found = [work for topic in topics for work in self._topic(topic, specs[topic.name], step)]
        if self.problems:
            raise ConfigError.of(self.problems)
        return found

    def _topic(self, topic: TopicInfo, spec: TopicSpec, step: Callable[[], None]) -> list[Work]:
        name = topic.name
        there = self._target.partitions(name)
        limits = self._target.limits(name) if there else Limits.of(spec.settings)
        topic_id = self._target.identity(name) if there else ""
        ends = self._target.bounds(name) if there else {}
        if there and there < topic.partitions:
            self.problems.append(_too_few(name, there, topic.partitions))
            return []
        found = []
        for number, bounds in self._source.bounds(name).items():
            kafka = ends.get(number, (0, 0))
            partition = TopicPartition(name, number)
            at = self._found(partition, bounds[0], topic_id, kafka)
            work = self._work(partition, at, bounds, limits, step)
            if work is not None:
                found.append(work)
        return found

    def _found(
        self, partition: TopicPartition, first: int, topic_id: str, bounds: tuple[int, int]
    ) -> Found:
        segment = ledger.segment(self._remembered, partition)
        if segment is not None and segment.topic_id != topic_id:
            segment = None  # of a topic that was deleted
        if segment is None:
            foreign = self._target.holds(*partition, bounds)
        elif segment.end is None:
            foreign = False  # not known; what is behind it is looked at when it is compared
        else:
            foreign = self._target.holds(*partition, (max(segment.end, bounds[0]), bounds[1]))
        return Found(first, topic_id, segment, foreign, bounds[1])

    def _work(
        self,
        partition: TopicPartition,
        found: Found,
        bounds: tuple[int, int],
        limits: Limits,
        step: Callable[[], None],
    ) -> Work | None:
        segment, timed = found.segment, not limits.own_time
        first = bounds[0] if segment is None else max(bounds[0], segment.first)
        following = first if segment is None else segment.next
        if segment is not None:
            timed = segment.timed
        surveyed = survey(self._source, partition, (first, following, bounds[1]), timed, step)
        decided = onward(partition, found, surveyed, append=self._append, timed=not limits.own_time)
        if isinstance(decided, ConfigError):
            self.problems.append(decided)
            return None
        if decided is not segment and decided.first != surveyed.first:
            span = (decided.first, decided.next, bounds[1])
            surveyed = survey(self._source, partition, span, decided.timed, step)
        now = int(time.time() * 1000)
        self.problems += misfits(partition, surveyed, limits, now)
        if warning := expiring(partition, surveyed, limits, now):
            self._progress.warn(warning)
        return Work(partition, decided, surveyed)


def chosen(source: SourceLog, names: Sequence[str]) -> list[TopicInfo]:
    """Return the topics of those names, all without any. Raises ConfigError for unknown ones."""
    for name in names:
        source.bounds(name)
    return [topic for topic in source.topics() if not names or topic.name in names]


def wanted(topics: Sequence[TopicInfo], partitions: Mapping[str, int]) -> dict[str, TopicSpec]:
    """Return how topics are made if they are missing; `partitions` says otherwise than here."""
    problems = [
        _too_few(topic.name, partitions[topic.name], topic.partitions)
        for topic in topics
        if partitions.get(topic.name, topic.partitions) < topic.partitions
    ]
    unknown = partitions.keys() - {topic.name for topic in topics}
    problems += [
        ConfigError(
            "is not among the topics to copy.", code="config.topic", place=f"--partitions {name}"
        )
        for name in sorted(unknown)
    ]
    if problems:
        raise ConfigError.of(problems)
    return {
        topic.name: TopicSpec(
            topic.name,
            partitions.get(topic.name, topic.partitions),
            settings=topic.settings,
        )
        for topic in topics
    }


def _too_few(name: str, there: int, here: int) -> ConfigError:
    return ConfigError(
        f"the log has {here} partitions and Kafka would have {there}; records keep their partition."
        f" Make it {here} or more (kafka-topics.sh --alter --topic {name} --partitions {here}).",
        code="promote.partitions",
        place=name,
    )
