"""Decodes stored bytes for `tail` and `export`, whichever converter wrote them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors_core.api.errors import DataError
from connectors_core.api.store import LogReader
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.converters import JsonConverter, StringConverter

_PREFIX_BYTES = 5


def decoder(reader: LogReader) -> Callable[[bytes | None], Any]:
    """Return a function from stored bytes to their value.

    Framed Avro by its schema id; else JSON; else text; else the bytes themselves. Schemas that are
    registered later are looked up again.
    """
    avro = AvroConverter(EmbeddedRegistry(reader.schemas()), is_key=False)
    others = (JsonConverter(numbers="exact"), StringConverter())

    def framed(data: bytes) -> Any:
        nonlocal avro
        try:
            return avro.decode("", data)
        except DataError:
            avro = AvroConverter(EmbeddedRegistry(reader.schemas()), is_key=False)
            return avro.decode("", data)

    def decode(data: bytes | None) -> Any:
        if data is None:
            return None
        if len(data) >= _PREFIX_BYTES and data[0] == 0:
            try:
                return framed(data)
            except DataError:
                pass
        for converter in others:
            try:
                return converter.decode("", data)
            except DataError:
                continue
        return data

    return decode
