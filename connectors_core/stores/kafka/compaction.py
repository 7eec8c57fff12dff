"""Compaction: how the topics must be kept from which all is read anew, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

from connectors_core.api.errors import ConfigError

DELETIONS_SECONDS = 24 * 3600
"""How long the brokers keep the marker of a deletion, at least (delete.retention.ms, and its default).

Whoever goes on from an older place may miss one, and what was deleted is there again for him.
"""
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": str(50 << 20),
    "delete.retention.ms": str(DELETIONS_SECONDS * 1000),
}
"""The settings of such a topic that we make."""


def require_kept(topic: str, settings: Mapping[str, str]) -> None:
    """Raise ConfigError for a topic whose settings would lose what resuming needs."""
    policy, kept = settings["cleanup.policy"], settings["delete.retention.ms"]
    if policy != "compact":
        raise ConfigError(
            f"the topic has cleanup.policy={policy}, which would lose what resuming needs. Set"
            f" it to compact ({_alter(topic, 'cleanup.policy')}), or name another topic.",
            code="kafka.not-compacted",
            place=topic,
        )
    if int(kept) < DELETIONS_SECONDS * 1000:
        raise ConfigError(
            f"the topic has delete.retention.ms={kept}, so that a worker may miss that something was"
            " deleted and go on with what it had. Set it to a day or more"
            f" ({_alter(topic, 'delete.retention.ms')}), or name another topic.",
            code="kafka.deletions",
            place=topic,
        )


def _alter(topic: str, setting: str) -> str:
    name = f"--entity-type topics --entity-name {topic}"
    return f"kafka-configs.sh --alter {name} --add-config {setting}={COMPACTED[setting]}"
