"""Schema: what a value looks like, from a type, a given Avro schema, or samples."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from connectors_core.api.record import canonical
from connectors_core.api.schema_infer import infer
from connectors_core.api.schema_parse import parse
from connectors_core.api.schema_plain import plain
from connectors_core.api.schema_types import definition_of

__all__ = ["Avro", "Schema", "plain"]

Avro: TypeAlias = str | Sequence[Any] | Mapping[str, Any]
"""An Avro schema as JSON text, or as that text parsed."""


class Schema:
    """An Avro schema, checked and resolved. Immutable; equal if all but the docs are equal."""

    __slots__ = ("_definition", "_hash", "_id", "_json")

    _definition: Any
    _json: str
    _id: int
    _hash: int

    def __init__(self, definition: Avro) -> None:
        self._definition = parse(definition)
        self._json = canonical(without_doc(self._definition))
        digest = hashlib.sha256(self._json.encode()).digest()
        self._id = int.from_bytes(digest[:4], "big") >> 1
        self._hash = hash(self._json)

    @classmethod
    def avro(cls, definition: Avro) -> Schema:
        """Take a given Avro schema. Raises ConfigError that says where it is wrong."""
        return cls(definition)

    @classmethod
    def of(cls, annotation: Any) -> Schema:
        """Make the schema of a pydantic model, a dataclass, or a plain type.

        Plain types: str, bytes, bool, int (long), float (double), Decimal, date, datetime
        (timestamp-micros; `Annotated[datetime, "timestamp-millis"]`), UUID, Enum, Literal, and
        unions, lists and dicts of these. A Decimal is decimal(38, 18) unless
        `Annotated[Decimal, Field(max_digits=..., decimal_places=...)]` says otherwise.
        Raises ConfigError that names the field for any other type.
        """
        return cls(definition_of(annotation))

    @classmethod
    def infer(cls, samples: Sequence[Any], name: str) -> Schema:
        """Make the schema that all samples fit; `name` is free text for the record's name.

        A field never null and never missing is not nullable; any other is `["null", T]` with
        default null. Raises SchemaError that names the field if the samples contradict each other
        or hold what Avro can't (an integer beyond 64 bits, a time without a zone).
        """
        return cls(infer(samples, name))

    @property
    def definition(self) -> Any:
        """A copy of the schema as plain JSON data; names are full names."""
        return copy.deepcopy(self._definition)

    @property
    def text(self) -> str:
        """The schema as canonical JSON, with its docs."""
        return canonical(self._definition)

    @property
    def json(self) -> str:
        """The schema as canonical JSON, without docs; what `id` and equality are made of."""
        return self._json

    @property
    def id(self) -> int:
        """The first 31 bits of SHA-256 over `json`.

        Over the *full* schema: Avro's parsing canonical form would drop the scale of a decimal.
        """
        return self._id

    @property
    def name(self) -> str:
        """The full name of a named type, else the name of the Avro type."""
        if isinstance(self._definition, list):
            return "union"
        if isinstance(self._definition, dict):
            return str(self._definition.get("name", self._definition["type"]))
        return str(self._definition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._json == other._json

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Schema({self._json})"


def without_doc(definition: Any) -> Any:
    """Return a definition without its docs; defaults and properties are left as they are."""
    if isinstance(definition, list):
        return [without_doc(branch) for branch in definition]
    if not isinstance(definition, dict):
        return definition
    bare = {key: value for key, value in definition.items() if key != "doc"}
    for key in ("items", "values"):
        if key in bare:
            bare[key] = without_doc(bare[key])
    if bare["type"] == "record":
        bare["fields"] = [_bare_field(field) for field in bare["fields"]]
    return bare if len(bare) > 1 else bare["type"]


def _bare_field(field: dict[str, Any]) -> dict[str, Any]:
    bare = {key: value for key, value in field.items() if key != "doc"}
    return bare | {"type": without_doc(field["type"])}
