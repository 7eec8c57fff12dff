"""How topics are made: `topic.creation.<group>.<setting>`, as in Connect (KIP-158)."""

from __future__ import annotations

import re
from typing import Any

from connectors_core.configs.near import near
from connectors_core.configs.notation import Problems, require_map, under
from connectors_core.configs.sentence import shown
from connectors_core.configs.tree import List, Map, Mark

_COUNTS = ("partitions", "replication.factor")
_PATTERNS = ("include", "exclude")
_KAFKA = """
cleanup.policy compression.gzip.level compression.lz4.level compression.type
compression.zstd.level delete.retention.ms file.delete.delay.ms flush.messages flush.ms
follower.replication.throttled.replicas index.interval.bytes
leader.replication.throttled.replicas local.retention.bytes local.retention.ms
max.compaction.lag.ms max.message.bytes message.timestamp.after.max.ms
message.timestamp.before.max.ms message.timestamp.type min.cleanable.dirty.ratio
min.compaction.lag.ms min.insync.replicas preallocate remote.log.copy.disable
remote.log.delete.on.disable remote.storage.enable retention.bytes retention.ms segment.bytes
segment.index.bytes segment.jitter.ms segment.ms unclean.leader.election.enable
"""
_KNOWN = frozenset(_KAFKA.split()) | {*_COUNTS, *_PATTERNS}
"""Kafka's settings of topics (TopicConfig.java, 4.3), and ours. Other brokers have more of their own,
so a name is refused only if it looks like one of these."""


def creation(framework: Map, problems: Problems) -> Map:
    """Return the settings by group, in the order in which groups are tried; `default` is last.

    Counts are whole numbers, `include` and `exclude` lists of regular expressions (full match),
    all else is text, as Kafka wants topic settings.
    """
    require_map(framework, "topic.creation", problems)
    below = under(framework, "topic.creation")
    listed = _listed(below, problems)
    found = Map()
    for name, value in below.items():
        group, dot, setting = name.partition(".")
        mark = below.marks[name]
        if not dot:
            problems.add(mark, f"topic.creation.{name}: must be a map of settings.")
            continue
        if setting not in _KNOWN and (meant := near(setting, _KNOWN, cutoff=0.8)):
            cure = f"Did you mean {' or '.join(meant)}?"
            problems.add(mark, f"topic.creation.{name}: there is no such setting. {cure}")
            continue
        if group not in found:
            found.put(group, Map(), mark)
        found[group].put(setting, _setting(name, setting, value, mark, problems), mark)
    return _ordered(found, listed, problems)


def _listed(below: Map, problems: Problems) -> list[str] | None:
    if "groups" not in below:
        return None
    mark = below.mark("groups")
    value = below.pop("groups")
    names = _texts(value)
    if names is None:
        problems.add(mark, "topic.creation.groups: must be a list of names.")
    return names


def _texts(value: Any) -> list[str] | None:
    """Return a list of text, also from text with commas as in Connect; None if it is neither."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    return None


def _setting(name: str, setting: str, value: Any, mark: Mark, problems: Problems) -> Any:
    place = f"topic.creation.{name}"
    if setting in _COUNTS:
        return _count(place, value, mark, problems)
    if setting in _PATTERNS:
        return _patterns(place, value, mark, problems)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return mark.text or str(value)
    problems.add(mark, f"{place}: must be text or a number, got {shown(value, mark)}.")
    return ""


def _count(place: str, value: Any, mark: Mark, problems: Problems) -> int:
    if isinstance(value, str) and re.fullmatch("-1|[0-9]{1,5}", value):
        value = int(value)
    if type(value) is int and (value == -1 or 1 <= value <= 10_000):
        return value
    takes = "must be a whole number from 1 to 10000, or -1 for the store's default"
    problems.add(mark, f"{place}: {takes}, got {shown(value, mark)}.")
    return -1


def _patterns(place: str, value: Any, mark: Mark, problems: Problems) -> List:
    made = List()
    for pattern in _texts(value) or ():
        try:
            re.compile(pattern)
        except re.error as error:
            problems.add(mark, f"{place}: {pattern!r} is no regular expression: {error}.")
        made.add(pattern, mark)
    if not made:
        problems.add(mark, f"{place}: must be a list of regular expressions.")
    return made


def _ordered(found: Map, listed: list[str] | None, problems: Problems) -> Map:
    order = [*(listed if listed is not None else found), "default"]
    for group in found:
        if group not in order:
            message = f"topic.creation.{group}: is not listed in topic.creation.groups. Add it."
            problems.add(found.mark(group), message)
        elif group != "default" and "include" not in found[group]:
            message = f"topic.creation.{group}: no topic is of it without include. Add that."
            problems.add(found.mark(group), message)
    made = Map()
    for group in sorted(filter(found.__contains__, dict.fromkeys(order)), key="default".__eq__):
        made.put(group, found[group], found.mark(group))
    return made
