"""Limits: what the brokers take as a record of a topic, as its settings say."""

from __future__ import annotations

from collections.abc import Mapping

from connectors_core.api.store import TopicLimits

RECORD_OVERHEAD = 512
"""At most so much do the lengths of a record and the head of its batch take."""
CLOCK_MS = 10_000
"""So much less than a limit is taken, or a tenth of it if that is less: a broker's clock may differ
from ours, and a record is older when it is written than when it was looked at."""
_FOREVER_MS = 253_402_300_799_999
"""A limit of so much is none: it reaches from 1970 to the year 9999."""


def limits_of(settings: Mapping[str, str]) -> TopicLimits:
    """Return the limits that a topic's settings mean for a record.

    Brokers check the timestamps of producers only (CreateTime). They take none of 1969, and the
    client takes 0 for "now". Sources: KIP-937, and LogValidator.java of Kafka 4.
    """
    most = int(settings["max.message.bytes"]) - RECORD_OVERHEAD
    keyed = "compact" in settings.get("cleanup.policy", "")
    if settings.get("message.timestamp.type") == "LogAppendTime":
        return TopicLimits(most, keyed=keyed)
    before, after = (_span(settings, side) for side in ("before", "after"))
    return TopicLimits(most, stamps=True, first_ms=1, behind_ms=before, ahead_ms=after, keyed=keyed)


def _span(settings: Mapping[str, str], side: str) -> int | None:
    """Return how many ms before or after now are taken; None where there is no limit."""
    # Before Kafka 3.6 there was one setting for both sides, and up to 3.9 it stood in for them.
    for name in (f"message.timestamp.{side}.max.ms", "message.timestamp.difference.max.ms"):
        limit = int(settings.get(name, _FOREVER_MS))
        if limit < _FOREVER_MS:
            return limit - min(CLOCK_MS, limit // 10)
    return None
