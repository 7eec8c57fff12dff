"""A topic as one Avro object container file (Avro specification 1.12, "Object Container Files")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO

from connectors_core.api.errors import DataError
from connectors_core.api.schema import Schema
from connectors_core.api.store import SchemaRow, StoredRecord
from connectors_core.avro.bounds import bounds

_HEADER = {
    "type": "record",
    "name": "pyconnect.export.Header",
    "fields": [{"name": "name", "type": "string"}, {"name": "value", "type": "bytes"}],
}


def write_avro(
    stream: BinaryIO, schemas: Sequence[SchemaRow], topic: str, records: Iterable[StoredRecord]
) -> None:
    """Write the records with the columns of a jsonl line; headers are bytes.

    Key and value have the newest schema of their subject, older records are resolved to it. A part
    without a schema (another converter) is written as the bytes that are stored.
    Raises DataError that names the record which its schema can't read.
    """
    from fastavro import parse_schema, writer

    key = _Part(schemas, f"{topic}-key")
    value = _Part(schemas, f"{topic}-value")
    if key.names & value.names:
        # One file can't define a name twice, and the key's may differ from the value's.
        key = _Part((), "")
    rows = _rows(records, key, value)
    writer(stream, parse_schema(_envelope(key.schema, value.schema)), rows)


def _rows(records: Iterable[StoredRecord], key: _Part, value: _Part) -> Iterator[Mapping[str, Any]]:
    for record in records:
        place = f"{record.topic} {record.partition}:{record.offset}"
        yield {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": key.read(record.key, f"{place} key"),
            "value": value.read(record.value, f"{place} value"),
            "headers": [{"name": name, "value": data} for name, data in record.headers],
        }


class _Part:
    """Reads keys or values: whatever version they were written with, as the newest."""

    def __init__(self, schemas: Sequence[SchemaRow], subject: str) -> None:
        rows = sorted((r for r in schemas if r.subject == subject), key=lambda row: row.version)
        self._by_id = {row.id: json.loads(row.avro) for row in rows}
        self._checks = {row.id: bounds(Schema.avro(row.avro).definition) for row in rows}
        self._newest = json.loads(rows[-1].avro) if rows else None
        self.names = _names(self._newest)
        self.schema = _nullable(self._newest) if rows else ["null", "bytes"]

    def read(self, data: bytes | None, place: str) -> Any:
        if data is None or self._newest is None:
            return data
        schema_id = int.from_bytes(data[1:5], "big")
        written = self._by_id.get(schema_id)
        if data[:1] != b"\0" or written is None:
            raise DataError("was not written with a schema. Use --format jsonl.", place=place)
        self._checks[schema_id](data, 5)  # fastavro overruns its stack on hostile recursion
        return self._resolve(data, written, place)

    def _resolve(self, data: bytes, written: Any, place: str) -> Any:
        from fastavro import schemaless_reader

        try:
            return schemaless_reader(
                BytesIO(data[5:]), written, self._newest, return_record_name=True
            )
        except Exception as error:
            # fastavro raises whatever its decoding of broken bytes runs into.
            raise DataError(f"can't be read: {error}. Use --format jsonl.", place=place) from error


def _envelope(key: Any, value: Any) -> dict[str, Any]:
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    fields = {
        "topic": "string",
        "partition": "int",
        "offset": "long",
        "timestamp": stamp,
        "key": key,
        "value": value,
        "headers": {"type": "array", "items": _HEADER},
    }
    listed = [{"name": name, "type": kind} for name, kind in fields.items()]
    return {"type": "record", "name": "pyconnect.export.Record", "fields": listed}


def _nullable(schema: Any) -> list[Any]:
    branches = schema if isinstance(schema, list) else [schema]
    return branches if "null" in branches else ["null", *branches]


def _names(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for branch in schema for name in _names(branch)}
    if not isinstance(schema, dict):
        return set()
    inner = [field["type"] for field in schema.get("fields", ())]
    inner += [schema[part] for part in ("items", "values", "type") if part in schema]
    own = {schema["name"]} if "name" in schema else set()
    return own.union(*(_names(part) for part in inner))
