"""The tables of the embedded log, the settings in force on it, and whose file it is."""

from __future__ import annotations

import sys
from pathlib import Path

from connectors_core.api.errors import StoreError
from connectors_core.stores.embedded.connection import Connection

APPLICATION_ID = 0x70796363
"""`pycc` in the header of the file."""
VERSION = 1

# A batch has a rowid of its own, so that inserts go to the end of the file and retention takes
# from its front. The triggers keep the ends of a partition true to its batches, in one statement.
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE topic (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention_ms INTEGER, retention_bytes INTEGER, settings TEXT NOT NULL)""",
    """CREATE TABLE log (
        id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, partition INTEGER NOT NULL,
        start INTEGER NOT NULL, next INTEGER NOT NULL, bytes INTEGER NOT NULL,
        UNIQUE (topic, partition))""",
    """CREATE TABLE batch (
        id INTEGER PRIMARY KEY, log INTEGER NOT NULL, base INTEGER NOT NULL,
        count INTEGER NOT NULL, appended INTEGER NOT NULL, size INTEGER NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (log, base))""",
    """CREATE TABLE owner (
        id INTEGER PRIMARY KEY, connector TEXT NOT NULL, partition TEXT NOT NULL, offset TEXT,
        UNIQUE (connector, partition))""",
    """CREATE TABLE state (
        owner INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (owner, key)) WITHOUT ROWID""",
    """CREATE TABLE schema (
        id INTEGER PRIMARY KEY, subject TEXT NOT NULL, version INTEGER NOT NULL,
        schema INTEGER NOT NULL, avro TEXT NOT NULL, UNIQUE (subject, version))""",
    """CREATE TRIGGER appended AFTER INSERT ON batch BEGIN
        UPDATE log SET next = new.base + new.count, bytes = bytes + new.size
        WHERE id = new.log; END""",
    """CREATE TRIGGER expired AFTER DELETE ON batch BEGIN
        UPDATE log SET start = old.base + old.count, bytes = bytes - old.size
        WHERE id = old.log; END""",
    "INSERT INTO meta VALUES ('clean', 0)",
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
)

_NEW_FILE = (("page_size", 4096), ("encoding", "UTF-8"), ("auto_vacuum", 2))
_FULL_SYNC = (("fullfsync", 1), ("checkpoint_fullfsync", 1)) if sys.platform == "darwin" else ()
# Measured with a model of power loss: WAL with FULL lost nothing acknowledged, NORMAL did.
_IN_FORCE = (("encoding", "UTF-8"), ("auto_vacuum", 2), ("journal_mode", "wal"), ("synchronous", 2))
_WISHED = (
    ("busy_timeout", 5000),
    ("journal_size_limit", 64 << 20),
    ("mmap_size", 0),
    ("temp_store", 2),
    ("trusted_schema", 0),
)


def configure(connection: Connection, place: Path, *, new: bool) -> None:
    """Set what durability rests on, and read it back: the defaults differ between builds.

    Raises StoreError `store.settings` for what is not in force.
    """
    for name, value in _WISHED:
        connection.execute(f"PRAGMA {name}={value}").fetchall()
    for name, wanted in (*(_NEW_FILE if new else ()), *_IN_FORCE, *_FULL_SYNC):
        connection.execute(f"PRAGMA {name}='{wanted}'").fetchall()
    for name, wanted in (*_IN_FORCE, *_FULL_SYNC):
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != wanted:
            raise StoreError(
                f"{name} is {found!r} and can't be made {wanted!r}, without which a power cut may"
                " lose records. Choose a --data-dir on a local disk (not a network file system).",
                code="store.settings",
                place=str(place),
            )


def is_new(connection: Connection, place: Path) -> bool:
    """Say whether the file has no log in it yet.

    Raises StoreError for a file of another program (`store.foreign`) or of a newer pyconnect
    (`store.newer`).
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        return True
    if application != APPLICATION_ID:
        raise StoreError(
            "this is the file of another program and was left as it is. Choose another --data-dir.",
            code="store.foreign",
            place=str(place),
        )
    if version != VERSION:
        raise StoreError(
            f"written by a newer pyconnect (layout {version}, this one knows {VERSION}) and left"
            " as it is. Upgrade pyconnect, or choose another --data-dir.",
            code="store.newer",
            place=str(place),
        )
    return False


def create(connection: Connection) -> None:
    """Make the tables, whole or not at all, in a transaction that the caller holds open."""
    for statement in _TABLES:
        connection.execute(statement)
