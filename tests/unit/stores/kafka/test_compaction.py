"""Topics that would lose what resuming needs, and how long what was read from them is trusted."""

from __future__ import annotations

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.stores.kafka.compaction import COMPACTED, DELETIONS_SECONDS, require_kept
from connectors_core.stores.kafka.state import FRESH_SECONDS
from connectors_core.stores.kafka.table import STALE_SECONDS


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("cleanup.policy", "delete", "kafka.not-compacted"),
        ("cleanup.policy", "compact,delete", "kafka.not-compacted"),
        ("delete.retention.ms", "0", "kafka.deletions"),
        ("delete.retention.ms", "86399999", "kafka.deletions"),
    ],
)
def test_a_setting_that_would_lose_something_is_refused_and_the_cure_is_said(
    setting: str, value: str, code: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        require_kept("our-offsets", {**COMPACTED, setting: value})
    assert caught.value.code == code
    said = str(caught.value)
    assert said.startswith(f"our-offsets: the topic has {setting}={value}")
    cure = f"--alter --entity-type topics --entity-name our-offsets --add-config {setting}="
    assert f"{cure}{COMPACTED[setting]})" in said


@pytest.mark.parametrize("kept", ["86400000", "604800000", "9223372036854775807"])
def test_what_keeps_deletions_for_a_day_or_more_is_taken(kept: str) -> None:
    require_kept("our-offsets", {**COMPACTED, "delete.retention.ms": kept})


def test_nothing_is_trusted_for_as_long_as_deletions_are_kept() -> None:
    """Half of it is left for clocks that differ, and for the reading itself."""
    assert 2 * max(FRESH_SECONDS, STALE_SECONDS) <= DELETIONS_SECONDS
