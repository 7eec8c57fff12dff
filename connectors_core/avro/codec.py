"""Codec: a value to the bytes of its schema and back, strictly both ways.

The one place that calls fastavro; whatever it raises is translated here. `flat` writes the usual
record before it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from connectors_core.api.errors import DataError, SchemaError
from connectors_core.api.schema import Schema
from connectors_core.avro.bounds import bounds, may_be_many
from connectors_core.avro.checker import compiled
from connectors_core.avro.flat import flat_encoder
from connectors_core.avro.shape import bare, restorer, shaper

MAX_BYTES = 64 << 20
"""The longest value that is written or read."""


def encoder(schema: Schema, prefix: bytes = b"") -> Callable[[Any], bytes]:
    """Compile what encodes plain values of a schema, each after `prefix`.

    The result raises SchemaError that names the field; it never writes what is not exactly there.
    """
    return flat_encoder(schema.definition, prefix, MAX_BYTES, general_encoder(schema, prefix))


def general_encoder(schema: Schema, prefix: bytes = b"") -> Callable[[Any], bytes]:
    """Compile the encoder of a schema of any kind: check, put in shape, write with fastavro."""
    definition = schema.definition
    check, unions = compiled(definition)
    shape = shaper(definition, unions)
    parsed = parse_schema(bare(definition))
    verify = bounds(definition) if may_be_many(definition) else None
    new, write, start = io.BytesIO, schemaless_writer, len(prefix)

    def encode(value: Any) -> bytes:
        try:
            check(value)
            buffer = new()
            buffer.write(prefix)
            write(buffer, parsed, value if shape is None else shape(value))
            data = buffer.getvalue()
            if verify is not None:
                verify(data, start)
        except DataError:
            raise
        except Exception as error:
            # The checker let through what fastavro refuses: an error of this record all the same.
            raise SchemaError(
                f"can't be written by its schema: {type(error).__name__}: {error}.",
                code="schema.write",
            ) from error
        if len(data) > MAX_BYTES:
            raise SchemaError(
                f"is {len(data)} bytes long; at most {MAX_BYTES} are written.", code="schema.size"
            )
        return data

    return encode


def decoder(schema: Schema) -> Callable[[bytes, int], Any]:
    """Compile what decodes the bytes of a schema, from a position to the end.

    The result raises DataError for data that is not exactly one value, or is beyond the limits.
    """
    definition = schema.definition
    check, restore = bounds(definition), restorer(definition)
    parsed = parse_schema(bare(definition))

    def decode(data: bytes, position: int = 0) -> Any:
        if len(data) > MAX_BYTES:
            raise DataError(
                f"{len(data)} bytes; at most {MAX_BYTES} are decoded.", code="data.avro"
            )
        check(data, position)
        source = io.BytesIO(data)
        source.seek(position)
        try:
            value = schemaless_reader(source, parsed, None, return_record_name=restore is not None)
        except Exception as error:
            raise DataError(
                f"not of its schema {schema.name}: {type(error).__name__}: {error}.",
                code="data.avro",
            ) from error
        return value if restore is None else restore(value)

    return decode
