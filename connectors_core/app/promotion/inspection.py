"""Inspection: reads back what a connector has on Kafka after its handover."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from connectors_core.app.promotion.fingerprint import digest_of_all
from connectors_core.app.promotion.handover import Action
from connectors_core.app.promotion.report import ConnectorProof
from connectors_core.app.promotion.source import SourceLog, pairs
from connectors_core.app.promotion.target import Target
from connectors_core.stores.kafka.copies import PartitionState
from connectors_core.stores.kafka.state import StateCopy

_SAID = {"move": "moved", "none": "moved before", "keep": "kept"}


def inspect(
    source: SourceLog, target: Target, actions: Mapping[str, Action]
) -> list[ConnectorProof]:
    """Compare the offsets and the state of every connector that was moved now."""
    here, there = source.offsets(), target.offsets()
    return [
        _connector(source, target, connector, action, here[connector], there.get(connector, {}))
        for connector, action in actions.items()
    ]


def _connector(
    source: SourceLog,
    target: Target,
    connector: str,
    action: Action,
    here: Mapping[str, str],
    there: Mapping[str, str],
) -> ConnectorProof:
    note = ""
    if action == "move":
        if dict(here) != dict(there):
            note = "its offsets on Kafka are not those of the log"
        elif source.state_digest(connector) != state_digest(target, connector):
            note = "its keyed state on Kafka is not that of the log"
    elif dict(here) != dict(there):
        note = "has gone on on Kafka since" if action == "none" else "stays where it is on Kafka"
    return ConnectorProof(connector, len(here), _SAID[action], action != "move" or not note, note)


def state_digest(target: Target, connector: str) -> str:
    """Return the checksum of a connector's keyed state as its topic has it, read from its start.

    Through a copy of its own that is thrown away: the worker's may know what no broker does.
    """
    topic = target.settings.state_topic(connector)
    if not target.partitions(topic):
        return digest_of_all(())
    with tempfile.TemporaryDirectory(prefix="pyconnect-") as folder:
        copy = StateCopy(Path(folder) / "state.db", topic)
        try:
            copy.catch_up(target.settings, topic)
            partitions = sorted(copy.keys())
            return digest_of_all(
                (partition, key, value)
                for partition in partitions
                for key, value in pairs(PartitionState(lambda: copy, partition))
            )
        finally:
            copy.close()
