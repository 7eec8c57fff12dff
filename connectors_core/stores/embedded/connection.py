"""The small part of a SQLite connection that is used, how it is opened, and what its errors mean.

The only importer of sqlite3: another library can stand in through `connect`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

from connectors_core.api.errors import StoreError, StoreFull

Error = sqlite3.Error


class Cursor(Protocol):
    """The rows of one statement."""

    @property
    def rowcount(self) -> int:
        """How many rows a DELETE removed, without those of triggers."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left, which ends the statement."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def close(self) -> object:
        """End the statement, and with it the read transaction that it holds open."""
        ...


class Connection(Protocol):
    """A connection in autocommit mode that any thread may use, one at a time.

    Errors are `sqlite3.Error` with `sqlite_errorcode`.
    """

    @property
    def in_transaction(self) -> bool:
        """Whether a BEGIN is waiting for its COMMIT."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement up to its first row."""
        ...

    def executescript(self, sql: str, /) -> object:
        """Run statements to their ends, outside of a transaction."""
        ...

    def close(self) -> object:
        """Close; the last one to close a log moves the WAL into the file."""
        ...


Connect: TypeAlias = Callable[[str], Connection]


def connect(path: str) -> Connection:
    """Open a file for reading and writing."""
    return sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def connect_readonly(path: str) -> Connection:
    """Open a file that must exist; nothing done through it changes the file."""
    return sqlite3.connect(
        f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )


def is_full(error: BaseException) -> bool:
    """Say whether an error means that there is no room on the disk.

    SQLITE_IOERR_SHMSIZE is what growing the shared-memory file gives on a full disk.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


_CURES = {
    sqlite3.SQLITE_BUSY: (
        "store.busy",
        "Another program keeps it locked (a backup, the sqlite3 shell?); end that one.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "store.corrupt",
        "Nothing was overwritten. See `pyconnect store check`; restore a copy, or begin a new log.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "store.foreign",
        "It is not a log of pyconnect and was left as it is. Choose another --data-dir.",
    ),
    sqlite3.SQLITE_IOERR: ("store.io", "Look at the disk and at the system's log."),
    sqlite3.SQLITE_CANTOPEN: (
        "store.io",
        "Look at the rights of the file and its directory, and at the limit of open files.",
    ),
    sqlite3.SQLITE_READONLY: ("store.io", "It must be writable: look at its rights and its mount."),
    sqlite3.SQLITE_TOOBIG: ("store.row", "A record must be smaller than 1 GB."),
}


def store_error(place: Path, error: sqlite3.Error) -> StoreError:
    """Translate an error of SQLite into one that says what to do."""
    if is_full(error):
        return StoreFull(
            "the disk is full. Make room: writing goes on by itself.", place=str(place)
        )
    primary = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    code, cure = _CURES.get(primary, ("store", "This is not expected: please report it."))
    return StoreError(f"{error}. {cure}", code=code, place=str(place))


@contextmanager
def translated(place: Path) -> Iterator[None]:
    """Let no error of SQLite out but as a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(place, error) from error
