"""Decision: where the copying of a partition goes on, or why it may not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from connectors_core.api.errors import ConfigError
from connectors_core.app.promotion.ledger import Segment, TopicPartition
from connectors_core.app.promotion.survey import Survey


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of a partition, here and on Kafka.

    `log_first` is the first record that the log still has. `segment` is what an earlier promotion
    left in this very topic. `foreign` says whether there are records of others: behind a segment
    that is whole, or at all if there is none. `end` is where what is written from now on begins.
    """

    log_first: int
    topic_id: str
    segment: Segment | None
    foreign: bool
    end: int


def onward(
    partition: TopicPartition, found: Found, survey: Survey, *, append: bool, timed: bool
) -> Segment | ConfigError:
    """Return the segment to go on with, as far as it is copied, or what is in the way.

    `survey` is of the segment's records, as far as the log still has them, and of all that follow.
    """
    segment = found.segment
    if segment is None:
        fits = append or not found.foreign or found.log_first == survey.end
        return _fresh(found, found.log_first, timed) if fits else _taken(partition)
    gone = found.log_first > segment.first
    if survey.end < segment.next or not (gone or _same(survey, segment)):
        if segment.end is None:
            return _unfinished(partition)
        return _fresh(found, found.log_first, timed) if append else _another(partition)
    if survey.end == segment.next:
        return segment
    if found.foreign and not append:
        return _grown(partition)
    if found.foreign or gone:
        return _fresh(found, max(segment.next, found.log_first), timed)
    return segment


def _same(survey: Survey, segment: Segment) -> bool:
    copied = survey.copied
    return (copied.count, copied.digest) == (segment.count, segment.digest)


def _fresh(found: Found, first: int, timed: bool) -> Segment:
    return Segment(found.topic_id, first, first, found.end, None, "", timed)


def _taken(partition: TopicPartition) -> ConfigError:
    return _refusal(
        partition,
        "the topic on Kafka has records already, which are not of this log. Leave the topic out (name"
        " the others with --topic), or write behind what is there with --append.",
        "promote.not-empty",
    )


def _grown(partition: TopicPartition) -> ConfigError:
    return _refusal(
        partition,
        "others have written to the topic on Kafka since it was promoted, and the log has grown, too."
        " Leave the topic out (name the others with --topic), or write behind what is there with"
        " --append.",
        "promote.not-empty",
    )


def _another(partition: TopicPartition) -> ConfigError:
    return _refusal(
        partition,
        "another log was promoted to this topic, or this one was changed since. Leave the topic out"
        " (name the others with --topic), or write behind what is there with --append.",
        "promote.other-log",
    )


def _unfinished(partition: TopicPartition) -> ConfigError:
    return _refusal(
        partition,
        "the promotion of another log to this topic is not finished. Finish that one, or delete the"
        " topic on Kafka and begin anew.",
        "promote.unfinished",
    )


def _refusal(partition: TopicPartition, text: str, code: str) -> ConfigError:
    return ConfigError(text, code=code, place=str(partition))
