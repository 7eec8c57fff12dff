"""The slot of the embedded log: one owner's right to commit."""

from __future__ import annotations

from typing import ClassVar

from connectors_core.api.errors import FencedError
from connectors_core.api.store import Transaction
from connectors_core.stores.embedded.log import EmbeddedLog
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.embedded.state import EmbeddedState


class EmbeddedSlot:
    """A handle on the one slot; fenced by the next `acquire`."""

    stages: ClassVar[bool] = False

    def __init__(self, log: EmbeddedLog, side: ReadSide) -> None:
        self._log = log
        self._side = side
        self._epoch = log.own()
        self._released = False

    def offsets(self, connector: str) -> dict[str, str]:
        """Return the committed offsets by partition key. Blocking; after any commit under way."""
        return self._log.offsets(connector)

    def stage(self, transaction: Transaction) -> None:
        """Nothing: a commit takes no time before its rows are there."""

    def commit(self, transaction: Transaction) -> None:
        """Store it all, durably, or nothing. Blocking; may be called on any thread.

        Raises FencedError, StoreFull (it may be tried again), or StoreError: after that one it
        may have been stored, so read `offsets` again.
        """
        if self._released:
            raise FencedError("the slot was released; this owner stops.")
        self._log.commit(self._epoch, transaction)

    def state(self, connector: str, partition_key: str) -> EmbeddedState:
        """Return a reader of committed state; it does not wait for commits."""
        return EmbeddedState(self._side, connector, partition_key)

    def release(self) -> None:
        """Give the slot up; a commit under way is finished. Idempotent."""
        self._released = True
