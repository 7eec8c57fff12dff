"""What a topic's settings mean for a record, on brokers of every age."""

from __future__ import annotations

import pytest

from connectors_core.api.store import TopicLimits
from connectors_core.stores.kafka.limits import CLOCK_MS, RECORD_OVERHEAD, limits_of

SIZE = {"max.message.bytes": "1048588"}
BYTES = 1048588 - RECORD_OVERHEAD
NONE = "9223372036854775807"
BEFORE, AFTER = "message.timestamp.before.max.ms", "message.timestamp.after.max.ms"
EITHER = "message.timestamp.difference.max.ms"
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("settings", "behind", "ahead"),
    [
        ({BEFORE: NONE, AFTER: str(HOUR)}, None, HOUR - CLOCK_MS),
        ({BEFORE: str(24 * HOUR), AFTER: NONE}, 24 * HOUR - CLOCK_MS, None),
        ({BEFORE: "5000", AFTER: "0"}, 4500, 0),
        ({EITHER: str(HOUR)}, HOUR - CLOCK_MS, HOUR - CLOCK_MS),
        (
            {BEFORE: NONE, AFTER: str(24 * HOUR), EITHER: str(HOUR)},
            HOUR - CLOCK_MS,
            24 * HOUR - CLOCK_MS,
        ),
        ({}, None, None),
    ],
    ids=["kafka-4", "before", "small", "before-3.6", "3.6-to-3.9", "none"],
)
def test_a_margin_is_kept_from_each_limit_of_a_producer_s_own_time(
    settings: dict[str, str], behind: int | None, ahead: int | None
) -> None:
    found = limits_of({**SIZE, "message.timestamp.type": "CreateTime", **settings})
    assert found == TopicLimits(BYTES, True, 1, behind, ahead)


@pytest.mark.parametrize("policy", ["compact", "compact,delete", "delete"])
@pytest.mark.parametrize("stamped", ["LogAppendTime", "CreateTime"])
def test_a_compacted_topic_takes_records_with_a_key_only(policy: str, stamped: str) -> None:
    found = limits_of({**SIZE, "message.timestamp.type": stamped, "cleanup.policy": policy})
    assert found.keyed == (policy != "delete")


def test_where_the_brokers_stamp_any_timestamp_is_taken() -> None:
    settings = {**SIZE, "message.timestamp.type": "LogAppendTime", BEFORE: "1", AFTER: "1"}
    assert limits_of(settings) == TopicLimits(BYTES)
