"""The bare loop: the same file, decoder, Avro writer and SQLite settings, and nothing else.

Usage: python -m benchmarks.bare LINES DATABASE; prints records per second.
"""

from __future__ import annotations

import io
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import fastavro
import msgspec

FIELDS = {
    "id": "long",
    "symbol": "string",
    "price": "double",
    "size": "long",
    "venue": "string",
    "note": "string",
    "ts": "long",
    "ok": "boolean",
}
BATCH = 1000


def loop(lines: str, database: str) -> float:
    """Return records per second, from the first line to the last commit."""
    schema = fastavro.parse_schema(
        {
            "type": "record",
            "name": "r",
            "fields": [{"name": n, "type": t} for n, t in FIELDS.items()],
        }
    )
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE record (offset INTEGER PRIMARY KEY, value BLOB)")
    connection.execute("CREATE TABLE position (key TEXT PRIMARY KEY, value TEXT)")
    decode, write = msgspec.json.Decoder().decode, fastavro.schemaless_writer
    began = time.perf_counter()
    rows: list[tuple[int, bytes]] = []
    count = position = 0
    with Path(lines).open("rb") as file:
        for line in file:
            position += len(line)
            buffer = io.BytesIO()
            write(buffer, schema, decode(line))
            rows.append((count, b"\0\0\0\0\1" + buffer.getvalue()))
            count += 1
            if len(rows) == BATCH:
                _commit(connection, rows, position)
                rows = []
    _commit(connection, rows, position)
    return count / (time.perf_counter() - began)


def _commit(connection: sqlite3.Connection, rows: list[tuple[Any, ...]], position: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO record VALUES (?, ?)", rows)
    connection.execute("INSERT OR REPLACE INTO position VALUES ('p', ?)", (str(position),))
    connection.execute("COMMIT")


if __name__ == "__main__":
    print(loop(sys.argv[1], sys.argv[2]))
