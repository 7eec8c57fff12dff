"""Schema: what a value looks like, from a type, a given Avro schema, or samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Avro: TypeAlias = str | Sequence[Any] | Mapping[str, Any]


class Schema:
    """An Avro schema, with what is needed to write values of the type that it came from."""
