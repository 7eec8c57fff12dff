"""Fit: whether a topic takes the records that are to be copied, asked before any is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from connectors_core.api.errors import ConfigError
from connectors_core.app.promotion.ledger import TopicPartition
from connectors_core.app.promotion.survey import Survey
from connectors_core.app.promotion.target import Limits

_DAY_MS = 86_400_000


def misfits(
    partition: TopicPartition, survey: Survey, limits: Limits, now_ms: int
) -> list[ConfigError]:
    """Return what the brokers would refuse, with the cure."""
    topic = partition.topic
    said = [*_sizes(topic, survey, limits), *_times(topic, survey, limits, now_ms)]
    return [ConfigError(text, code=code, place=str(partition)) for code, text in said]


def _sizes(topic: str, survey: Survey, limits: Limits) -> Iterator[tuple[str, str]]:
    largest, keyless = survey.extremes.largest, survey.extremes.keyless
    if largest and limits.record_bytes is not None and largest[0] > limits.record_bytes:
        text = (
            f"the record at offset {largest[1]} has {largest[0]} bytes, and the topic on Kafka takes"
            f" {limits.record_bytes}. Raise its limit:"
            f" {_alter(topic, f'max.message.bytes={largest[0] + 1024}')}."
        )
        yield "promote.too-large", text
    if keyless is not None and "compact" in limits.policy.split(","):
        text = (
            f"the record at offset {keyless} has no key, and the topic on Kafka is compacted, which"
            f" takes none such. Set its policy: {_alter(topic, 'cleanup.policy=delete')}."
        )
        yield "promote.keyless", text


def _times(topic: str, survey: Survey, limits: Limits, now_ms: int) -> Iterator[tuple[str, str]]:
    oldest, newest = survey.extremes.oldest, survey.extremes.newest
    before, after = _limit(limits.before_ms), _limit(limits.after_ms)
    if oldest is None or newest is None or limits.own_time:
        return
    cure = (
        "let the brokers stamp the records (the time of the event is then only in the value):"
        f" {_alter(topic, 'message.timestamp.type=LogAppendTime')}."
    )
    text = ""
    if oldest[0] <= 0:
        # librdkafka takes 0 for "now", and brokers refuse what is before 1970.
        text = f"is stamped {oldest[0]}, and Kafka's times begin with 1. To copy it, {cure}"
    elif before is not None and now_ms - oldest[0] > before:
        text = (
            f"is of {_day(oldest[0])}, and the topic on Kafka refuses what is older than {before} ms."
            f" Raise its message.timestamp.before.max.ms, or {cure}"
        )
    if text:
        yield "promote.timestamp", f"the record at offset {oldest[1]} {text}"
    if after is not None and newest[0] - now_ms > after:
        text = (
            f"the record at offset {newest[1]} is stamped {_day(newest[0])}, and the topic on Kafka"
            f" refuses what is more than {after} ms ahead of its clock. Raise its"
            f" message.timestamp.after.max.ms, or {cure}"
        )
        yield "promote.timestamp", text


def expiring(partition: TopicPartition, survey: Survey, limits: Limits, now_ms: int) -> str:
    """Return a warning if the brokers would soon remove some of the records again, else ""."""
    kept, oldest = _limit(limits.retention_ms), survey.extremes.oldest
    if kept is None or oldest is None or limits.own_time or "delete" not in limits.policy:
        return ""
    if now_ms - oldest[0] <= kept:
        return ""
    return (
        f"{partition}: has records of {_day(oldest[0])}, and the topic on Kafka"
        f" keeps them for {kept / _DAY_MS:.3g} days by their own time: the brokers will remove them"
        f" soon. Keep them: {_alter(partition.topic, 'retention.ms=-1')}."
    )


def _alter(topic: str, setting: str) -> str:
    name = f"--entity-type topics --entity-name {topic}"
    return f"kafka-configs.sh --alter {name} --add-config {setting}"


def _limit(value: int | None) -> int | None:
    """Return a limit that is one."""
    return None if value is None or value < 0 else value


def _day(timestamp: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(timestamp / 1000))
    except (ValueError, OverflowError, OSError):
        return f"{timestamp} ms"
