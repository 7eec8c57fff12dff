"""The built-in plugins, through the same hooks as everybody else's."""

from __future__ import annotations

from connectors_core.api.converter import Converter
from connectors_core.api.hooks import hookimpl
from connectors_core.avro.converter import AvroConverter
from connectors_core.converters import BytesConverter, JsonConverter, StringConverter


@hookimpl
def pyconnect_converters() -> list[type[Converter]]:
    """Return the converters that come with the core."""
    return [AvroConverter, JsonConverter, StringConverter, BytesConverter]
