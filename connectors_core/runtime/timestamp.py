"""The timestamps of records: what is one at all, and which of them a topic takes."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from connectors_core.api.errors import DataError
from connectors_core.api.store import TopicLimits

MAX_TIMESTAMP = 253_402_300_799_999
"""The last ms of the year 9999."""


def check_timestamp(timestamp: object, topic: str, limits: TopicLimits) -> None:
    """Raise DataError for what is no timestamp, or one that the topic would refuse.

    Looked at before it is written: a log that refuses one record refuses the whole commit with it.
    """
    if type(timestamp) is not int or not 0 <= timestamp <= MAX_TIMESTAMP:
        raise DataError(
            f"timestamp {timestamp!r}: must be whole ms since 1970, up to the year 9999.",
            code="data.timestamp",
        )
    if not limits.stamps:
        return
    now = time.time() * 1000
    if timestamp < limits.first_ms:
        raise _refused(timestamp, f"the topic {topic} takes none before {limits.first_ms}", "")
    if limits.behind_ms is not None and now - timestamp > limits.behind_ms:
        what = f"the topic {topic} takes none more than {limits.behind_ms} ms old"
        raise _refused(timestamp, what, "before")
    if limits.ahead_ms is not None and timestamp - now > limits.ahead_ms:
        what = f"the topic {topic} takes none more than {limits.ahead_ms} ms ahead of the clock"
        raise _refused(timestamp, what, "after")


def _refused(timestamp: int, what: str, side: str) -> DataError:
    date = datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="seconds")
    widen = f", raise the topic's message.timestamp.{side}.max.ms" if side else ""
    return DataError(
        f"timestamp {timestamp} ({date}): {what}. Mend it at its source{widen}, or let the log stamp"
        " the records (message.timestamp.type=LogAppendTime).",
        code="data.timestamp",
    )
