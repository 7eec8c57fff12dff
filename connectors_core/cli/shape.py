"""The shape of a record in `export --format jsonl` and `tail`: plain JSON that loses nothing."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from connectors_core.api.store import StoredRecord
from connectors_core.cli.escape import safe_json

Decode: TypeAlias = Callable[[bytes | None], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_line(record: StoredRecord, decode: Decode) -> str:
    """Return the line of a record, without the line's end.

    An object with topic, partition, offset, timestamp, key, value, headers; headers are pairs in
    their order, since a name may stand there twice.
    """
    return to_json(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": instant(record.timestamp),
            "key": decode(record.key),
            "value": decode(record.value),
            "headers": header_pairs(record),
        }
    )


def header_pairs(record: StoredRecord) -> list[tuple[str, Any]]:
    """Return the headers by name and value; what is not UTF-8 text stays bytes."""
    return [(name, _text_or_bytes(value)) for name, value in record.headers]


def to_json(value: Any) -> str:
    """Return a decoded value as one line of JSON.

    Bytes are `{"$bytes": base64}`, decimals text with all their digits, instants
    `YYYY-MM-DDTHH:MM:SS.mmmZ` (six digits where there are microseconds), dates and UUIDs text;
    NaN and the infinities, which JSON has no word for, are the texts of ProtoJSON.
    """
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_without_nan(value))
    return safe_json(text)


def instant(milliseconds: int) -> str | int:
    """Return ms since the epoch as text; as they are, if no calendar has that year."""
    try:
        return _instant(_EPOCH + timedelta(milliseconds=milliseconds))
    except OverflowError:
        return milliseconds


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, Decimal):
        # Not str(): that writes 0.00000001 as 1E-8.
        return format(value, "f")
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a decoded value can't be a {type(value).__name__}")


def _instant(value: datetime) -> str:
    """Write an instant in UTC with Z; a datetime without a zone is a local time and gets no Z."""
    digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
    if value.tzinfo is None:
        return value.isoformat(timespec=digits)
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=digits) + "Z"


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value


# One encoder for all: making one for each record costs as much as encoding it.
_ENCODER = json.JSONEncoder(
    default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
)


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
