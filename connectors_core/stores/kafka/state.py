"""A local copy of a connector's keyed state. The topic is the truth; this serves the reads.

Only what was read from the topic, or was committed to it by this owner, is ever put here, and a
reading goes on to the end of the topic before anything is served, so a copy that is behind, or was
put back by a power loss, only makes that reading longer. A copy that might be ahead, or of another
topic, is thrown away.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from connectors_core.api.errors import StoreUnreachable
from connectors_core.stores.embedded.bulk import portions, spread
from connectors_core.stores.kafka.compaction import DELETIONS_SECONDS
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.tail import read_to_end
from connectors_core.stores.names import first_after

Change: TypeAlias = tuple[str, str, str | None]
"""Partition key, key, and the value's canonical JSON; None deletes."""
FRESH_SECONDS = DELETIONS_SECONDS / 2
"""An older copy might miss the marker of a deletion; clocks differ, and a reading takes its time."""
_AT_ONCE = 5000
_DELETE = "DELETE FROM state WHERE (partition, key) IN (VALUES {rows})"
_LAYOUT = """
CREATE TABLE IF NOT EXISTS state (
  partition TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (partition, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copied (
  one INTEGER PRIMARY KEY CHECK (one = 1), topic TEXT NOT NULL, position INTEGER NOT NULL,
  at REAL NOT NULL
);
"""


def encoded(connector: str, partition_key: str, key: str) -> bytes:
    """Return the key of a record of state: `["connector",{partition},"key"]`."""
    name, text = json.dumps(connector), json.dumps(key, ensure_ascii=False)
    return f"[{name},{partition_key},{text}]".encode()


def decoded(key: bytes | None, value: bytes | None) -> Change | None:
    """Return what a record of state says; None for one that is not ours."""
    try:
        _, partition, name = json.loads(key or b"")
        text = json.dumps(partition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text, str(name), None if value is None else value.decode()
    except (ValueError, TypeError):
        return None


class StateCopy:
    """One SQLite file. Written by the slot's thread; read by any, which never waits for a writer."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._current = False
        self._writing, self._reading = threading.Lock(), threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._writer = self._whole_or_new()
            self._reader = self._opened()
        except (sqlite3.Error, OSError) as error:
            raise self._broken(error) from error

    def catch_up(self, settings: KafkaSettings, topic: str) -> None:
        """Read the topic to its end. Blocking; StoreError.

        Readers see all of it at once: what is read again would take values back on the way.
        """
        with self._writing, self._transaction():
            positions = {0: self._position()}
            changes: list[Change] = []

            def take(message: Any) -> None:
                if change := decoded(message.key(), message.value()):
                    changes.append(change)
                if len(changes) >= _AT_ONCE:
                    self._put(changes)
                    changes.clear()

            read_to_end(settings, topic, 1, positions, take)
            self._put(changes)
            self._writer.execute(
                "INSERT OR REPLACE INTO copied VALUES (1, ?, ?, ?)",
                (self._identity, positions[0], time.time()),
            )
        self._current = True

    def apply(self, changes: Iterable[Change]) -> None:
        """Put in what was committed just now; the position stays, so it may be read once more."""
        with self._writing, self._transaction():
            self._put(list(changes))

    def get_many(self, partition: str, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that exist."""
        found: dict[str, str] = {}
        for some in portions(keys):
            marks = ",".join("?" * len(some))
            sql = f"SELECT key, value FROM state WHERE partition = ? AND key IN ({marks})"  # noqa: S608
            found.update(self._rows(sql, (partition, *some)))
        return found

    def scan(self, partition: str, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` pairs from `prefix` and after `after` on, by their UTF-8 bytes."""
        sql = "SELECT key, value FROM state WHERE partition = ?"
        sql += " AND key > ?" if after >= prefix else " AND key >= ?"
        bounds: list[Any] = [max(after, prefix)]
        if end := first_after(prefix):
            sql += " AND key < ?"
            bounds.append(end)
        return self._rows(f"{sql} ORDER BY key LIMIT ?", (partition, *bounds, max(limit, 0)))

    def keys(self) -> dict[str, list[str]]:
        """Return all keys by partition key."""
        found: dict[str, list[str]] = {}
        for partition, key in self._rows("SELECT partition, key FROM state", ()):
            found.setdefault(partition, []).append(key)
        return found

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        with self._reading:
            try:
                return self._reader.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise self._broken(error) from error

    def _whole_or_new(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            self._path.unlink(missing_ok=True)  # the topic has it all
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_LAYOUT)
        return connection

    def _position(self) -> int:
        """Return where to go on, from the start with an empty copy if it can't be trusted."""
        row = self._writer.execute("SELECT topic, position, at FROM copied").fetchone()
        same = row is not None and row[0] == self._identity
        # Since it was read to the end once, its owner has put in all that came.
        if same and (self._current or 0 <= time.time() - row[2] < FRESH_SECONDS):
            return int(row[1])
        self._writer.execute("DELETE FROM state")
        return 0

    def _put(self, changes: Sequence[Change]) -> None:
        last = {(partition, key): value for partition, key, value in changes}
        spread(self._writer, _DELETE, [place for place, value in last.items() if value is None])
        kept = [(*place, value) for place, value in last.items() if value is not None]
        spread(self._writer, "INSERT OR REPLACE INTO state VALUES {rows}", kept)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> StoreUnreachable:
        return StoreUnreachable(
            f"the local copy of keyed state can't be used: {error}. Make room, or delete the file:"
            " it is made again from the topic.",
            code="kafka.state-copy",
            place=str(self._path),
        )
