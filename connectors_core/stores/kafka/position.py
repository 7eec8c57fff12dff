"""Offsets as Kafka Connect stores them: key `["connector",{partition}]`, value `{offset}`.

Partitioned by murmur2 of the key, as the Java client does, so that Connect's tools can read them.
"""

from __future__ import annotations

import json

from connectors_core.api.errors import ContractError
from connectors_core.api.record import flat


def encoded(connector: str, partition_key: str) -> bytes:
    """Return the key of a record of the offsets topic. `partition_key` is canonical JSON."""
    return f"[{json.dumps(connector)},{partition_key}]".encode()


def split_key(key: bytes | None) -> tuple[str, str] | None:
    """Return connector and canonical partition key; None for a key that is no such thing."""
    try:
        connector, partition = json.loads(key or b"")
        return (connector, flat(partition, "partition")) if type(connector) is str else None
    except (ValueError, TypeError, ContractError, RecursionError):
        return None
