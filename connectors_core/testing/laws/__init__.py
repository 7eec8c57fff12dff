"""The laws, in the order in which they are judged: the first that fails names the fault."""

from __future__ import annotations

from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.testing.law import Law
from connectors_core.testing.laws import (
    acknowledgement,
    far_side,
    hostility,
    killing,
    lifecycle,
    offsets,
    options,
    pacing,
    partitions,
    privacy,
    pruning,
    reads,
    scopes,
    trust,
)

LAWS: tuple[Law, ...] = (
    *options.LAWS,
    *scopes.LAWS,
    *partitions.FIRST,
    *reads.LAWS,
    *offsets.LAWS,
    *lifecycle.LAWS,
    *acknowledgement.LAWS,
    *offsets.RESUME,
    *partitions.LATER,
    *far_side.LAWS,
    *trust.LAWS,
    *hostility.LAWS,
    *pacing.LAWS,
    *pruning.LAWS,
    *privacy.LAWS,
    *killing.FULL,
    *killing.CRASH,
)


def on_kafka(kafka: KafkaPlace) -> tuple[Law, ...]:
    """Return all laws, with workers that are killed on a cluster."""
    there = killing.on_kafka(kafka)
    return tuple(there if each.name == there.name else each for each in LAWS)


BY_NAME = {law.name: law for law in LAWS}
