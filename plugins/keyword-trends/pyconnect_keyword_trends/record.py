"""What keyword-trends writes: KeywordTrend, TrendingTerm, and Gap on the topic `gaps`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeAlias

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Instant: TypeAlias = Annotated[datetime, "timestamp-millis"]


def instant(ms: int) -> datetime:
    """Return ms since the epoch as a UTC datetime, exactly."""
    return _EPOCH + timedelta(milliseconds=ms)


def event_id(*parts: object) -> str:
    """Return an id that is the same whenever the same thing is told again."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Sample:
    """A post that matched. Halves of surrogate pairs in `text` are shown as U+FFFD."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class KeywordTrend:
    """How often a keyword came in one window of event time: [window_start, window_end).

    `messages` matched, `occurrences` within them, by `authors` different people (a lower bound if
    not `authors_exact`). `incomplete`: something may be missing, a Gap or the start says what.
    """

    provider: str
    keyword: str
    keyword_norm: str
    window_start: Instant
    window_end: Instant
    messages: int
    occurrences: int
    authors: int
    authors_exact: bool
    final: bool
    revision: int
    incomplete: bool
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of event time that the provider did not deliver."""

    provider: str
    gap_start: Instant
    gap_end: Instant
    reason: str


class Change(StrEnum):
    """What happened to a trending term since the last poll."""

    NEW = "NEW"
    UP = "UP"
    UPDATED = "UPDATED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class News:
    """An article that goes with a trending term."""

    title: str
    url: str
    source: str | None


@dataclass(frozen=True, slots=True)
class TrendingTerm:
    """A change of a trending search. `volume_min` is the lower bound of `volume_text`."""

    provider: str
    geo: str
    term: str
    volume_min: int | None
    volume_text: str | None
    started_at: Instant | None
    observed_at: Instant
    change: Change
    news: list[News] = field(default_factory=list)
