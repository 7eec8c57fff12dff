"""A connection that only reads, beside the one that writes, in short transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from connectors_core.api.errors import StoreError
from connectors_core.stores.embedded.connection import (
    Connect,
    Connection,
    Cursor,
    Error,
    translated,
)


class ReadSide:
    """Reads what is committed; any thread may call. Opened at the first use."""

    def __init__(self, path: Path, connect: Connect) -> None:
        self.path = path
        self._connect = connect
        self._connection: Connection | None = None
        self._mutex = threading.Lock()
        self._closed = False

    @contextmanager
    def cursor(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Cursor]:
        """Run one statement; the transaction ends with the block. Raises StoreError."""
        with self._mutex, translated(self.path):
            try:
                cursor = self._opened().execute(sql, parameters)
                try:
                    yield cursor
                finally:
                    cursor.close()
            except Error:
                self._drop()
                raise

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Use the connection itself, for more than one statement. Raises StoreError."""
        with self._mutex, translated(self.path):
            yield self._opened()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of one statement."""
        with self.cursor(sql, parameters) as cursor:
            return cursor.fetchall()

    def close(self) -> None:
        """Close. Idempotent."""
        with self._mutex:
            self._drop()
            self._closed = True

    def _opened(self) -> Connection:
        if self._closed:
            raise StoreError("it is closed.", code="store.closed", place=str(self.path))
        if self._connection is None:
            self._connection = self._connect(str(self.path))
            for setting in ("query_only=1", "busy_timeout=5000", "mmap_size=0", "trusted_schema=0"):
                self._connection.execute(f"PRAGMA {setting}").fetchall()
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Error):
                self._connection.close()
            self._connection = None
