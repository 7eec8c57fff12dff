"""`pyconnect run` with a bug planted in it, for tests of the tests.

Usage: faulty_worker.py BUG FLAG-FILE [arguments of pyconnect]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from watched_worker import watch

from connectors_core.api.store import Transaction
from connectors_core.cli import main
from connectors_core.runtime import unit, writer
from connectors_core.runtime.task import Run
from connectors_core.stores.embedded.slot import EmbeddedSlot

commit = EmbeddedSlot.commit


def offsets_after(self: EmbeddedSlot, transaction: Transaction) -> None:
    """Store the records, and the offsets in a transaction of their own."""
    commit(self, replace(transaction, offsets={}))
    commit(self, Transaction(offsets=transaction.offsets))


def offsets_before(self: EmbeddedSlot, transaction: Transaction) -> None:
    """Store the offsets first, in a transaction of their own."""
    commit(self, Transaction(offsets=transaction.offsets))
    commit(self, replace(transaction, offsets={}))


def state_after(self: EmbeddedSlot, transaction: Transaction) -> None:
    """Store the keyed state in a transaction of its own."""
    commit(self, replace(transaction, state={}))
    commit(self, Transaction(state=transaction.state))


def state_before(self: EmbeddedSlot, transaction: Transaction) -> None:
    """Store the keyed state first, in a transaction of its own."""
    commit(self, Transaction(state=transaction.state))
    commit(self, replace(transaction, state={}))


def doubled(self: EmbeddedSlot, transaction: Transaction) -> None:
    """Commit the third transaction with records twice."""
    commit(self, transaction)
    if transaction.rows and _third():
        commit(self, transaction)


def drop_a_row(taken: Callable[[Run], Any]) -> Callable[[Run], Any]:
    """Lose one record between the chain and the commit."""

    def take(self: Run) -> Any:
        parcel = taken(self)
        if parcel is not None and parcel.rows and _third():
            next(iter(parcel.rows.values())).pop(0)
        return parcel

    return take


def swap_two_rows(taken: Callable[[Run], Any]) -> Callable[[Run], Any]:
    """Turn the order of a parcel's records round."""

    def take(self: Run) -> Any:
        parcel = taken(self)
        if parcel is not None and _third():
            for rows in parcel.rows.values():
                rows.reverse()
        return parcel

    return take


def acknowledge_first() -> None:
    """Tell the source that its units are durable before they are, and take time to store them."""

    def slow(self: EmbeddedSlot, transaction: Transaction) -> None:
        time.sleep(0.5)
        commit(self, transaction)

    EmbeddedSlot.commit = slow  # type: ignore[method-assign]
    take = writer.Writer._take

    def taken(self: Any, load: Any) -> None:
        take(self, load)
        for client, share in load.shares.items():
            client.committed(unit.Parcel(), share.offsets)

    writer.Writer._take = taken  # type: ignore[method-assign]


seen = [0]


def _third() -> bool:
    seen[0] += 1
    return seen[0] == 3


COMMITS = {
    "offsets-after": offsets_after,
    "offsets-before": offsets_before,
    "state-after": state_after,
    "state-before": state_before,
    "doubled": doubled,
}
TAKES = {"dropped": drop_a_row, "swapped": swap_two_rows}


def plant(bug: str) -> None:
    """Put one bug in."""
    if bug in COMMITS:
        EmbeddedSlot.commit = COMMITS[bug]  # type: ignore[method-assign]
    elif bug in TAKES:
        Run.take = TAKES[bug](Run.take)  # type: ignore[method-assign]
    elif bug == "acknowledged-first":
        acknowledge_first()
    elif bug != "none":
        raise SystemExit(f"no such bug: {bug}")


if __name__ == "__main__":
    plant(sys.argv[1])
    watch(sys.argv[2])
    sys.argv[1:3] = []
    main()
