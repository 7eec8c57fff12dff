"""Asks a source for its partitions, and checks what it gives."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Partition
from connectors_core.runtime.calls import call, call_now
from connectors_core.runtime.context import Context, Shared, as_partition
from connectors_core.runtime.metrics import Counters
from connectors_core.runtime.spec import ConnectorSpec

ASK_SECONDS = 30.0


async def ask_partitions(spec: ConnectorSpec, shared: Shared) -> list[Partition]:
    """Return the partitions of a connector's source.

    Raises what `partitions()` raises; ContractError if it takes longer than 30 s, gives no maps, or
    one twice.
    """
    source = call_now(spec.source, spec.config(), Context(spec.name, shared, Counters(), _no_state))
    timeout = asyncio.timeout(ASK_SECONDS)
    try:
        async with timeout:
            given = await call(source.partitions)
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise ContractError(
            f"partitions() was not done in {ASK_SECONDS:.0f} s. Give what it asks a timeout, and"
            " raise Retry when there is no answer.",
            code="source.partitions",
        ) from error
    return checked_partitions(given)


def checked_partitions(given: Any) -> list[Partition]:
    """Return what `partitions()` gave. Raises ContractError for what are no maps, and for doubles."""
    try:
        partitions = [as_partition(each) for each in call_now(list[Any], given)]
    except TypeError as error:
        raise ContractError(
            f"partitions() must give maps, got {type(given).__name__}.", code="source.partitions"
        ) from error
    doubled = [each.key for each, count in Counter(partitions).items() if count > 1]
    if doubled:
        raise ContractError(
            f"partitions() gave {', '.join(sorted(doubled)[:3])} more than once.",
            code="source.partitions",
        )
    return partitions


def _no_state(partition: Partition) -> Any:
    raise ContractError(
        "partitions() has no keyed state: it is asked before there is an owner.",
        code="source.state",
    )
