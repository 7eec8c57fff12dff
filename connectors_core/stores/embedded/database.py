"""The write side's one connection: opened with care, dropped after an error of the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors_core.api.errors import FencedError, PyconnectError, StoreError
from connectors_core.stores.embedded import layout
from connectors_core.stores.embedded.connection import (
    Connect,
    Connection,
    Error,
    connect_readonly,
    is_full,
    translated,
)
from connectors_core.stores.embedded.files import being_made, prepare_file


def nothing(point: str) -> None:
    """Pass a crash point by."""


class Database:
    """The write connection of one log. `mutex` is held around every use of it.

    After any error but a full disk the connection is closed, and opened again for the next try:
    what the system's page cache holds after a failed fsync is not known.
    """

    def __init__(self, path: Path, connect: Connect) -> None:
        self.path = path
        self.mutex = threading.RLock()
        self._connect = connect
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._closed = False

    def connection(self) -> Connection:
        """Return the connection, opened if need be. Raises StoreError, or a `sqlite3.Error`."""
        if self._closed:
            raise StoreError("it is closed.", code="store.closed", place=str(self.path))
        self._still_there()
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Use the connection outside of a transaction. Raises StoreError."""
        with self.mutex, translated(self.path):
            connection = self.connection()
            try:
                yield connection
            except Error as error:
                self._recover(connection, error)
                raise

    @contextmanager
    def transaction(self, crash: Callable[[str], None] = nothing) -> Iterator[Connection]:
        """Commit what is done inside, durably, or roll it back. Raises StoreError, StoreFull."""
        with self.mutex, translated(self.path):
            connection = self.connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
                crash("begin")
                yield connection
                crash("commit")
                connection.execute("COMMIT")
            except BaseException as error:
                self._recover(connection, error)
                raise

    def close(self) -> None:
        """Leave the mark of a clean stop and close. Idempotent; never raises."""
        with self.mutex:
            if self._connection is not None:
                with suppress(PyconnectError), self.transaction() as connection:
                    connection.execute("UPDATE meta SET value = 1 WHERE name = 'clean'")
            self._drop()
            self._closed = True

    def _open(self) -> Connection:
        prepare_file(self.path)
        clean = self._inspect()
        connection = self._connect(str(self.path))
        try:
            new = layout.is_new(connection, self.path)
            layout.configure(connection, self.path, new=new)
            if not clean:
                self._settle(connection)
            self._begin(connection, new)
            self._file = _identity(self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _still_there(self) -> None:
        """Refuse a file that has no name any more: what is written to it ends with the process.

        For good: what this owner knows of the log (its schemas) is not in a new one.
        """
        if self._file is not None and _identity(self.path) != self._file:
            raise FencedError(
                "it was removed or replaced while it was in use; what it held is gone with it."
                " Start again: a new log is begun, and the sources read from their start.",
                code="store.gone",
                place=str(self.path),
            )

    def _begin(self, connection: Connection, new: bool) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if new:
            layout.create(connection)
        else:
            connection.execute("UPDATE meta SET value = 0 WHERE name = 'clean'")
        connection.execute("COMMIT")

    def _settle(self, connection: Connection) -> None:
        """Move all of the WAL into the file.

        After a failed fsync the end of the WAL may be in memory only: what would be written behind
        it, and acknowledged, would go with it in a power cut.
        """
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                "another process has been reading it for seconds. End that one.",
                code="store.busy",
                place=str(self.path),
            )

    def _inspect(self) -> bool:
        """Refuse a file that is not a sound log, through a connection that can't change it.

        Return whether it was closed in order.
        """
        # A journal is rolled back by the writer; one that only reads could not even look.
        if not self.path.stat().st_size or being_made(self.path):
            return False
        connection = connect_readonly(str(self.path))
        try:
            if layout.is_new(connection, self.path):
                return False
            mark = connection.execute("SELECT value FROM meta WHERE name = 'clean'").fetchone()
            if mark != (1,):
                self._quick_check(connection)
            return bool(mark == (1,))
        finally:
            connection.close()

    def _quick_check(self, connection: Connection) -> None:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != [("ok",)]:
            raise StoreError(
                f"damaged ({found[0][0]}). Nothing was overwritten. See `pyconnect store check`;"
                " restore a copy, or move the file away to begin a new log.",
                code="store.corrupt",
                place=str(self.path),
            )

    def _recover(self, connection: Connection, error: BaseException) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except Error:
            self._drop()
        if isinstance(error, Error) and not is_full(error):
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Error):
                self._connection.close()
            self._connection = None


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return -1, -1
    return found.st_dev, found.st_ino
