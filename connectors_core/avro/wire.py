"""Confluent's wire format: a zero byte, the schema's id in four bytes, big-endian, the body.

Source: docs.confluent.io, "Wire format" of Schema Registry's serializers.
"""

from __future__ import annotations

import struct

from connectors_core.api.errors import DataError

PREFIX_BYTES = 5
_PREFIX = struct.Struct(">bI")


def prefix(schema_id: int) -> bytes:
    """Return the five bytes that go before a body."""
    return _PREFIX.pack(0, schema_id)


def schema_id(data: bytes) -> int:
    """Return the id of the schema that the body after the prefix was written with.

    Raises DataError (`data.wire`) if this is not the wire format.
    """
    if len(data) < PREFIX_BYTES or data[0] != 0:
        raise DataError(
            f"{len(data)} bytes that do not begin with a zero byte and a schema id: not written by"
            " an Avro converter. Read them with the converter that wrote them.",
            code="data.wire",
        )
    found: int = _PREFIX.unpack_from(data)[1]
    return found
