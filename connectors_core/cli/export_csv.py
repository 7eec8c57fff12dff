"""A topic as CSV (RFC 4180): the fields of the value are columns of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID

from connectors_core.api.schema_names import original
from connectors_core.api.store import SchemaRow, StoredRecord
from connectors_core.cli.shape import Decode, header_pairs, instant, to_json

_HEADS = ("topic", "partition", "offset", "timestamp", "key")


def write_csv(
    stream: BinaryIO,
    schemas: Sequence[SchemaRow],
    topic: str,
    records: Iterable[StoredRecord],
    decode: Decode,
) -> None:
    """Write the records under a line of heads; lines end in CR LF.

    `value.<field>` are the fields of every version of the topic's schema. Without a schema, or for
    a value that is no record, the column `value` has it. Text is written as it is, anything nested
    as JSON. Null is an empty cell, empty text is `""`.
    """
    fields = _fields(schemas, f"{topic}-value")
    heads = (*_HEADS, *(f"value.{field}" for field in fields), "value", "headers")
    stream.write(_line(heads))
    for record in records:
        value = decode(record.value)
        whole = fields and isinstance(value, Mapping) and value.keys() <= fields.keys()
        cells = (value.get(field) for field in fields) if whole else (None for _ in fields)
        origin = (record.topic, record.partition, record.offset, instant(record.timestamp))
        rest = (None if whole else value, header_pairs(record) or None)
        stream.write(_line((*origin, decode(record.key), *cells, *rest)))


def _fields(schemas: Sequence[SchemaRow], subject: str) -> dict[str, None]:
    found: dict[str, None] = {}
    for row in schemas:
        if row.subject == subject:
            avro = json.loads(row.avro)
            if isinstance(avro, dict) and avro.get("type") == "record":
                found.update((original(field), None) for field in avro["fields"])
    return found


def _line(cells: Iterable[Any]) -> bytes:
    return (",".join(map(_cell, cells)) + "\r\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = _text(value)
    if not text or any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = to_json(value)
    if isinstance(value, float | Decimal | datetime | date | time | UUID):
        return text.strip('"')
    return text
