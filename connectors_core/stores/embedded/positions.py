"""Writes what moves with the records: offsets, keyed state, schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors_core.api.errors import StoreError
from connectors_core.api.store import SchemaRow
from connectors_core.stores.embedded.bulk import portions, spread
from connectors_core.stores.embedded.connection import Connection

_OFFSET = """INSERT INTO owner (connector, partition, offset) VALUES {rows}
    ON CONFLICT (connector, partition) DO UPDATE SET offset = excluded.offset"""
_OWNER = """INSERT INTO owner (connector, partition) VALUES {rows}
    ON CONFLICT (connector, partition) DO NOTHING"""
_STATE = """INSERT INTO state (owner, key, value) VALUES {rows}
    ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value"""


def move(connection: Connection, offsets: Mapping[tuple[str, str], str | None]) -> None:
    """Write offsets; None deletes."""
    spread(connection, _OFFSET, [(*owner, offset) for owner, offset in offsets.items()])


def keep(connection: Connection, state: Mapping[tuple[str, str], Mapping[str, str | None]]) -> None:
    """Write keyed state; None deletes."""
    if not state:
        return
    spread(connection, _OWNER, list(state))
    ids = {owner: _id(connection, owner) for owner in state}
    changes = [
        (ids[owner], key, value) for owner, some in state.items() for key, value in some.items()
    ]
    spread(connection, _STATE, [change for change in changes if change[2] is not None])
    for owner, some in state.items():
        _remove(connection, ids[owner], [key for key, value in some.items() if value is None])


def _remove(connection: Connection, owner: int, keys: Sequence[str]) -> None:
    # By owner: for `(owner, key) IN (VALUES …)` SQLite reads the whole table.
    for some in portions(keys):
        marks = ",".join("?" * len(some))
        connection.execute(
            f"DELETE FROM state WHERE owner = ? AND key IN ({marks})", (owner, *some)
        )


def _id(connection: Connection, owner: tuple[str, str]) -> int:
    found = connection.execute(
        "SELECT id FROM owner WHERE connector = ? AND partition = ?", owner
    ).fetchall()
    number: int = found[0][0]
    return number


def register(connection: Connection, schemas: Sequence[SchemaRow], place: str) -> None:
    """Write schemas. One that is there already is left, another of its version is refused."""
    for row in schemas:
        found = connection.execute(
            "SELECT schema, avro FROM schema WHERE subject = ? AND version = ?",
            (row.subject, row.version),
        ).fetchall()
        if not found:
            connection.execute(
                "INSERT INTO schema (subject, version, schema, avro) VALUES (?, ?, ?, ?)",
                (row.subject, row.version, row.id, row.avro),
            )
        elif found != [(row.id, row.avro)]:
            raise StoreError(
                f"subject {row.subject} has another schema as version {row.version} already.",
                code="store.schema",
                place=place,
            )


def committed(connection: Connection, connector: str) -> dict[str, str]:
    """Return the offsets of a connector by partition key."""
    return dict(
        connection.execute(
            "SELECT partition, offset FROM owner WHERE connector = ? AND offset IS NOT NULL",
            (connector,),
        ).fetchall()
    )


def forget(connection: Connection, connector: str, partition_key: str | None) -> int:
    """Remove offsets and state of a connector, or of one partition; return how many offsets."""
    chosen = "connector = ?1 AND (?2 IS NULL OR partition = ?2)"
    owner = (connector, partition_key)
    (count,) = connection.execute(
        f"SELECT count(offset) FROM owner WHERE {chosen}", owner
    ).fetchone()
    connection.execute(
        f"DELETE FROM state WHERE owner IN (SELECT id FROM owner WHERE {chosen})", owner
    )
    connection.execute(f"DELETE FROM owner WHERE {chosen}", owner)
    return int(count)
