"""Registry: schemas by subject and by id; the embedded one keeps them in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from connectors_core.api.errors import DataError
from connectors_core.api.schema import Schema
from connectors_core.api.store import SchemaRow

_IDS = 1 << 31


class Registry(Protocol):
    """What a converter needs of a registry; shared by the threads of all converters.

    Whoever makes a version of what `latest` returned holds `lock` from the one to the other.
    """

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """A lock that the same thread may take again."""
        ...

    def latest(self, subject: str) -> Schema | None:
        """Return the newest schema of a subject, None if there is no such subject."""
        ...

    def register(self, subject: str, schema: Schema) -> int:
        """Return the id of a schema, making it the subject's next version if it is none yet.

        Raises SchemaError if the subject does not take it.
        """
        ...

    def schema(self, schema_id: int) -> Schema:
        """Return the schema with this id. Raises DataError if there is none."""
        ...


class EmbeddedRegistry:
    """A view in memory of the committed rows, and of those that wait for the next transaction.

    A lock keeps it whole: plain generators encode, and so register, in threads of their own. An id
    comes from the schema itself, so that workers agree without talking; where another schema has it
    already, the next free one is taken and recorded in the row.
    """

    def __init__(self, rows: Iterable[SchemaRow] = ()) -> None:
        self._rows: list[SchemaRow] = []
        self._subjects: dict[str, dict[Schema, SchemaRow]] = {}
        self._latest: dict[str, tuple[int, Schema]] = {}
        self._by_id: dict[int, Schema] = {}
        self._pending: list[SchemaRow] = []
        self.lock = threading.RLock()
        for row in rows:
            self._add(row, Schema.avro(row.avro))

    def _add(self, row: SchemaRow, schema: Schema) -> None:
        self._rows.append(row)
        self._subjects.setdefault(row.subject, {})[schema] = row
        self._by_id[row.id] = schema
        if row.version > self._latest.get(row.subject, (0, schema))[0]:
            self._latest[row.subject] = (row.version, schema)

    def latest(self, subject: str) -> Schema | None:
        """Return the newest schema of a subject, durable or not yet."""
        found = self._latest.get(subject)
        return found[1] if found else None

    def register(self, subject: str, schema: Schema) -> int:
        """Return the id of a schema, making it the subject's next version if it is none yet."""
        with self.lock:
            known = self._subjects.get(subject, {}).get(schema)
            if known is not None:
                return known.id
            version = self._latest[subject][0] + 1 if subject in self._latest else 1
            row = SchemaRow(subject, version, self._free_id(schema), schema.text)
            self._add(row, schema)
            self._pending.append(row)
            return row.id

    def _free_id(self, schema: Schema) -> int:
        candidate = schema.id
        while self._by_id.get(candidate, schema) != schema:
            candidate = (candidate + 1) % _IDS
        return candidate

    def schema(self, schema_id: int) -> Schema:
        """Return the schema with this id. Raises DataError if there is none."""
        found = self._by_id.get(schema_id)
        if found is None:
            raise DataError(
                f"no schema has the id {schema_id}: the record was written with another registry,"
                " or its schemas were removed. Read it with the registry that it was written with.",
                code="data.schema",
            )
        return found

    def pending(self) -> list[SchemaRow]:
        """Return the rows that the next transaction must store, in the order they were made."""
        with self.lock:
            return list(self._pending)

    def durable(self, rows: Iterable[SchemaRow]) -> None:
        """Hear that these rows are stored. Idempotent."""
        stored = set(rows)
        with self.lock:
            self._pending = [row for row in self._pending if row not in stored]

    def rows(self) -> list[SchemaRow]:
        """Return every row, oldest first."""
        return list(self._rows)
