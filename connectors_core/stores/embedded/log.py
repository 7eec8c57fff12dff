"""The write side of the embedded log: whole transactions, one owner, old batches removed."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors_core.api.errors import FencedError, StoreError, StoreFull
from connectors_core.api.store import Transaction
from connectors_core.stores.embedded import positions
from connectors_core.stores.embedded.appender import Appender
from connectors_core.stores.embedded.connection import Connection
from connectors_core.stores.embedded.database import Database, nothing
from connectors_core.stores.embedded.retention import Retention, give_back

_log = logging.getLogger(__name__)
# What a row, offset or key that SQLite or the batch layout can't hold gives.
_NO_ROW = (TypeError, ValueError, OverflowError, struct.error)


class EmbeddedLog:
    """Commits for the newest owner. Any thread may call; calls wait for each other."""

    def __init__(
        self,
        database: Database,
        retention: Retention,
        clock: Callable[[], float],
        crash: Callable[[str], None],
    ) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._crash = crash
        self._appender: Appender | None = None
        self._epoch = 0

    def own(self) -> int:
        """Fence every earlier owner, after its commit under way; return the new epoch."""
        with self._database.reading():
            self._epoch += 1
            return self._epoch

    def commit(self, epoch: int, transaction: Transaction) -> None:
        """Store it all, durably, or nothing; see `Slot.commit`."""
        with self._database.mutex:
            # Invariant 4: an older owner is fenced and can never commit again.
            if epoch != self._epoch:
                raise FencedError("a newer owner has the slot; this one stops.")
            try:
                written = self._write(transaction)
            except StoreFull:
                # The disk is full of records that may be too old: look now.
                self._retain(0)
                raise
            self._crash("committed")
            if self._retention.due():
                self._retain(written)

    def _write(self, transaction: Transaction) -> int:
        # Invariant 2: records, offsets and state are in one transaction of SQLite.
        with self.writing(self._crash) as (connection, appender):
            written = appender.append(transaction.rows, int(self._clock() * 1000))
            self._crash("write")
            positions.move(connection, transaction.offsets)
            positions.keep(connection, transaction.state)
            positions.register(connection, transaction.schemas, str(self._database.path))
            self._crash("offset")
            return written

    @contextmanager
    def writing(
        self, crash: Callable[[str], None] = nothing
    ) -> Iterator[tuple[Connection, Appender]]:
        """Commit what is done inside, or nothing. Raises StoreError, StoreFull."""
        try:
            with self._database.transaction(crash) as connection:
                # Not kept while it is in use: one that failed half-way is never used again.
                appender, self._appender = self._appender, None
                if appender is None or not appender.serves(connection):
                    appender = Appender(connection)
                yield connection, appender
        except _NO_ROW as error:
            raise StoreError(
                f"something in the commit can't be stored ({error}). Nothing of it was.",
                code="store.row",
                place=str(self._database.path),
            ) from error
        self._appender = appender

    def query(self, sql: str) -> list[Any]:
        """Return the rows of a query; after any commit under way."""
        with self._database.reading() as connection:
            return connection.execute(sql).fetchall()

    def offsets(self, connector: str) -> dict[str, str]:
        """Return the committed offsets by partition key; after any commit under way."""
        with self._database.reading() as connection:
            return positions.committed(connection, connector)

    def _retain(self, written: int) -> None:
        """Remove some old batches. The commit is over, so a failure is only told."""
        try:
            with self._database.transaction() as connection:
                all_gone = self._retention.remove(connection, written)
            with self._database.reading() as connection:
                all_given = give_back(connection)
            if all_gone and all_given:
                self._retention.wait()
        except StoreError as error:
            self._retention.wait()
            _log.warning("old records could not be removed", extra={"error": str(error)})
