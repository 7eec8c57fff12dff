"""The laws, in the order in which they are judged: the first that fails names the fault."""

from __future__ import annotations

from connectors_core.testing.law import Law
from connectors_core.testing.laws import (
    acknowledgement,
    far_side,
    killing,
    lifecycle,
    offsets,
    options,
    partitions,
    privacy,
    pruning,
    reads,
    scopes,
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
    *pruning.LAWS,
    *privacy.LAWS,
    *killing.FULL,
    *killing.CRASH,
)
BY_NAME = {law.name: law for law in LAWS}
