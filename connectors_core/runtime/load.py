"""What goes into one commit: the parcels of several tasks, merged into one transaction."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from connectors_core.api.store import Transaction
from connectors_core.runtime.unit import Outbox, Parcel


class Client(Protocol):
    """A task run, as the writer knows it."""

    connector: str
    outbox: Outbox
    linger: float
    revoked: bool

    def take(self) -> Parcel | None:
        """Hand over the waiting units; None if that can't be done just now."""
        ...

    def committed(self, parcel: Parcel, offsets: dict[str, str | None]) -> None:
        """Hear that the parcel is durable."""
        ...

    def failed(self, error: Exception) -> None:
        """Hear that nothing that still waits can be committed; what is under way may be yet."""
        ...


class Load:
    """What one commit stores, and whose it is."""

    def __init__(self) -> None:
        self.transaction = Transaction()
        self.shares: dict[Client, Share] = {}

    def add(self, client: Client, parcel: Parcel, offsets: dict[str, str | None]) -> None:
        """Take in a parcel; rows that are here already stay the first of their partition."""
        _merge(self.transaction, client.connector, parcel, offsets)
        share = self.shares.get(client)
        if share is None:
            self.shares[client] = Share(parcel, offsets)
        else:
            share.parcel.absorb(parcel)
            share.offsets.update(offsets)


class Share(NamedTuple):
    """A task's part of a commit; `offsets` are those of the parcel in canonical JSON."""

    parcel: Parcel
    offsets: dict[str, str | None]


def _merge(
    transaction: Transaction, connector: str, parcel: Parcel, offsets: dict[str, str | None]
) -> None:
    for target, rows in parcel.rows.items():
        present = transaction.rows.get(target)
        if present is None:
            transaction.rows[target] = rows
        else:
            # A new list: a parcel keeps its own rows, in case it is committed on its own.
            transaction.rows[target] = present + rows
    for key, offset in offsets.items():
        transaction.offsets[connector, key] = offset
    for key, values in parcel.state.items():
        place = connector, key
        transaction.state[place] = transaction.state.get(place, {}) | values
