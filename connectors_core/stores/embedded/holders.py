"""Who has keyed state: what `EmbeddedState` can be asked for."""

from __future__ import annotations

from connectors_core.stores.embedded.read_side import ReadSide

_HOLDERS = """
SELECT connector, partition FROM owner
WHERE EXISTS (SELECT 1 FROM state WHERE state.owner = owner.id)
ORDER BY connector, partition
"""


def holders(side: ReadSide) -> list[tuple[str, str]]:
    """List connector and partition key of every source partition that has keyed state."""
    return [(connector, partition) for connector, partition in side.rows(_HOLDERS)]
