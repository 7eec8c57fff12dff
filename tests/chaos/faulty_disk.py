"""A disk that may lose power, fill up or fail, under the embedded store: a VFS of apsw.

Writes go to real files, so that SQLite reads them back; beside that, for every file, what was
synced and what was only written since is remembered. `image` is what a power cut would leave.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512
# What `before` raised comes out of apsw as it was, without a code.
_CODES = {apsw.FullError: sqlite3.SQLITE_FULL, apsw.IOError: sqlite3.SQLITE_IOERR}
_NAMES = iter(range(1 << 30))


@dataclass(slots=True)
class Platter:
    """One file: what is durable, and the writes and truncations that are not yet."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_power_cut(self, chance: random.Random) -> bytes:
        """Return what is left: 40 % of unsynced writes are lost, 20 % torn at 512 bytes."""
        left = bytearray(self.durable)
        for offset, data in self.pending:
            fate = chance.random()
            if fate < 0.4:
                continue
            if fate < 0.6 and data is not None:
                for at in range(0, len(data), SECTOR):
                    if chance.random() < 0.5:
                        _apply(left, offset + at, data[at : at + SECTOR])
            else:
                _apply(left, offset, data)
        return bytes(left)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class FaultyDisk(apsw.VFS):
    """The disk. `before` is called before every write, sync and truncation, and may raise."""

    def __init__(self) -> None:
        self.name = f"faulty{next(_NAMES)}"
        self.platters: dict[str, Platter] = {}
        self.before: Callable[[str, str], None] = lambda operation, path: None
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> FaultyFile:  # noqa: N802 (apsw's name)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.platters.setdefault(path, Platter())
        return FaultyFile(self, name, path, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.platters.pop(filename, None)

    def image(self, directory: Path, chance: random.Random) -> Path:
        """Write what a power cut now would leave to a directory; return the log's path there."""
        directory.mkdir(mode=0o700)
        for path, platter in self.platters.items():
            (directory / Path(path).name).write_bytes(platter.after_power_cut(chance))
        return directory / "log.db"

    def connect(self, path: str, *, weak: bool = False) -> FaultyConnection:
        """Open a connection on this disk; `weak` commits with synchronous=NORMAL."""
        return FaultyConnection(apsw.Connection(path, vfs=self.name), weak=weak)


class FaultyFile(apsw.VFSFile):
    """A file of the disk."""

    def __init__(self, disk: FaultyDisk, name: Any, path: str, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk, self._path = disk, path

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._disk.before("write", self._path)
        super().xWrite(data, offset)
        self._disk.platters[self._path].pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.before("truncate", self._path)
        super().xTruncate(newsize)
        self._disk.platters[self._path].pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        try:
            self._disk.before("sync", self._path)
        except BaseException:
            # As Linux does: what could not be synced counts as clean, and is never written again.
            self._disk.platters[self._path].pending.clear()
            raise
        self._disk.platters[self._path].sync()


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        translated = sqlite3.OperationalError(str(error))
        code = getattr(error, "extendedresult", None)
        translated.sqlite_errorcode = code or _CODES.get(type(error), sqlite3.SQLITE_ERROR)
        raise translated from error


class FaultyConnection:
    """apsw's connection with the surface of `connectors_core.stores.embedded.connection`."""

    def __init__(self, inner: apsw.Connection, *, weak: bool) -> None:
        self._inner = inner
        self._weak = weak

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> FaultyCursor:
        with _as_sqlite3():
            if self._weak and sql.startswith("BEGIN"):
                self._inner.execute("PRAGMA synchronous=NORMAL").fetchall()
            if sql.startswith("BEGIN"):
                self._inner.execute("PRAGMA wal_autocheckpoint=40").fetchall()
            return FaultyCursor(self._inner, self._inner.execute(sql, parameters))

    def executescript(self, sql: str, /) -> None:
        with _as_sqlite3():
            self._inner.execute(sql).fetchall()

    def close(self) -> None:
        with _as_sqlite3():
            self._inner.close()


class FaultyCursor:
    """apsw's cursor with the surface of sqlite3's."""

    def __init__(self, inner: apsw.Connection, cursor: apsw.Cursor) -> None:
        self.rowcount = inner.changes()
        self._cursor = cursor

    def fetchall(self) -> list[Any]:
        with _as_sqlite3():
            return self._cursor.fetchall()

    def fetchone(self) -> Any:
        with _as_sqlite3():
            return self._cursor.fetchone()

    def close(self) -> None:
        self._cursor.close()
