"""Schemas from samples: what each value says of itself, merged over all of them."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema_merge import UNKNOWN, Merge, branches_of, join, kind_of
from connectors_core.api.schema_names import PROPERTY, escape, original, record_name
from connectors_core.api.schema_parse import logical
from connectors_core.api.schema_plain import plain

MAX_DEPTH = 30
"""Levels of dicts and lists: with a union at each of them still within the limit of a schema."""
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}
_INSTANT = {"type": "long", "logicalType": "timestamp-micros"}
_DATE = {"type": "int", "logicalType": "date"}
_UUID = {"type": "string", "logicalType": "uuid"}


def infer(samples: Sequence[Any], name: str) -> Any:
    """Return the definition that all samples fit. Raises SchemaError that names the field."""
    inference = Inference(name)
    for sample in samples:
        inference.add(sample)
    return inference.definition()


@dataclass(slots=True)
class Inference:
    """A definition that grows with each value; `like` is one that values may fit already.

    `found` may hold UNKNOWN, of which `definition` makes null.
    """

    name: str
    like: Any = None
    names: Mapping[str, Any] = field(default_factory=dict)
    found: Any = field(default_factory=list)

    def add(self, value: Any) -> None:
        """Take a value in. Raises SchemaError, and stays as it was, if it does not fit the rest."""
        root = record_name(self.name)
        try:
            value = plain(value)
        except RecursionError as error:
            raise _refused("", f"is nested deeper than {MAX_DEPTH} levels") from error
        found = _Look(self.names).at(value, root, "", self.like, 0)
        self.found = Merge().types(self.found, found, "")

    def definition(self) -> Any:
        """Return what was found. A list that was always empty holds nulls: it may become any."""
        if self.found == UNKNOWN:
            raise SchemaError(
                "there is no sample to infer a schema from.", code="schema.infer", place=self.name
            )
        return known(self.found)


def known(definition: Any) -> Any:
    """Return a definition in which what nothing is known of is null, which may become any type."""
    if definition == UNKNOWN:
        return "null"
    if isinstance(definition, list):
        return [known(branch) for branch in definition]
    if isinstance(definition, dict):
        made = dict(definition)
        for key in ("items", "values"):
            if key in made:
                made[key] = known(made[key])
        if made["type"] == "record":
            made["fields"] = [one | {"type": known(one["type"])} for one in made["fields"]]
        return made
    return definition


def _refused(path: str, problem: str) -> SchemaError:
    return SchemaError(f"{problem}.", code="schema.infer", place=path or "value")


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at one value."""

    names: Mapping[str, Any]

    def at(self, value: Any, name: str, path: str, like: Any, depth: int) -> Any:
        if value is None:
            return "null"
        if depth > MAX_DEPTH:
            raise _refused(path, f"is nested deeper than {MAX_DEPTH} levels")
        branches = [self.names.get(b, b) if isinstance(b, str) else b for b in branches_of(like)]
        if type(value) is dict:
            return self._dict(value, name, path, branches, depth)
        if type(value) is list:
            liked = next((b for b in branches if b and kind_of(b) == "array"), {"items": None})
            made = self._items(value, name, f"{path}[]", liked["items"], depth)
            return {**liked, "type": "array", "items": made}
        for branch in branches:
            if branch and (look := _LIKE.get(_key(branch))) and look(value, branch):
                return branch
        return _scalar(value, path)

    def _dict(
        self, value: dict[Any, Any], name: str, path: str, likes: list[Any], depth: int
    ) -> Any:
        kinds = {kind_of(branch): branch for branch in likes if branch}
        if "map" in kinds and "record" not in kinds:
            liked = kinds["map"]
            _texts(value, path)
            made = self._items(list(value.values()), name, f"{path}{{}}", liked["values"], depth)
            return liked | {"values": made}
        liked = kinds.get("record", {"name": name, "fields": []})
        known = {original(one): one for one in liked["fields"]}
        _texts(value, path)
        fields = [
            self._field(key, one, liked["name"], path, known.get(key), depth)
            for key, one in value.items()
        ]
        return {"type": "record", "name": liked["name"], "fields": fields}

    def _field(
        self, key: str, value: Any, owner: str, path: str, known: Any, depth: int
    ) -> dict[str, Any]:
        name = escape(key)
        like = known["type"] if known else None
        made: dict[str, Any] = {"name": name}
        made["type"] = self.at(value, f"{owner}.{name}", join(path, key), like, depth + 1)
        if name != key:
            made[PROPERTY] = key
        new = made["type"] == "null" and known is None
        return made | {"default": None} if new else made

    def _items(self, values: list[Any], name: str, path: str, like: Any, depth: int) -> Any:
        merge, found = Merge(), UNKNOWN
        for value in values:
            found = merge.types(found, self.at(value, name, path, like, depth + 1), path)
        return found


def _texts(value: dict[Any, Any], path: str) -> None:
    for key in value:
        if type(key) is not str:
            raise _refused(path, f"has a key that is not text but {type(key).__name__}")
        if not key.isascii() and any("\ud800" <= char <= "\udfff" for char in key):
            raise _refused(path, f"has the key {key!a}, half of a character that UTF-8 can't hold")


def _scalar(value: Any, path: str) -> Any:
    if type(value) is int:
        if -(1 << 63) <= value < 1 << 63:
            return "long"
        raise _refused(
            path,
            f"is an integer of {value.bit_length()} bits; Avro holds 64. Write it as text, or as a"
            " Decimal with a schema that has room for it",
        )
    if type(value) is datetime.datetime:
        if value.utcoffset() is None:
            raise _refused(path, "is a time without a zone. Give it one (datetime.UTC)")
        return _INSTANT
    found = _SCALARS.get(type(value))
    if found is None:
        raise _refused(
            path,
            f"is of the type {type(value).__name__}, which has no Avro form. Use text, bytes, a"
            " number, true or false, a Decimal, date, datetime, UUID, list or dict",
        )
    return found


_SCALARS: dict[type[Any], Any] = {
    bool: "boolean",
    float: "double",
    str: "string",
    bytes: "bytes",
    Decimal: DECIMAL,
    datetime.date: _DATE,
    UUID: _UUID,
}


def _key(branch: Any) -> str:
    return logical(branch) or kind_of(branch)


def _single(value: float) -> bool:
    try:
        return value != value or struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        return False


_LIKE: dict[str, Callable[[Any, Any], bool]] = {
    "int": lambda value, _: type(value) is int and -(1 << 31) <= value < 1 << 31,
    "float": lambda value, _: type(value) is float and _single(value),
    "enum": lambda value, like: type(value) is str and value in like["symbols"],
    "fixed": lambda value, like: type(value) is bytes and len(value) == like["size"],
    "decimal": lambda value, _: type(value) is Decimal,
    "timestamp-millis": lambda value, _: (
        type(value) is datetime.datetime
        and value.utcoffset() is not None
        and value.microsecond % 1000 == 0
    ),
}
"""Types that a value may be of, if a schema says so, beside the one that it says of itself."""
