"""Evolution: how a schema may change, so that a reader with the new one reads what is stored.

The matrix is in docs/reference/schema-evolution.md; each of its rows is run by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.errors import ConfigError, SchemaError
from connectors_core.api.schema import Schema, plain
from connectors_core.api.schema_infer import Inference, known
from connectors_core.api.schema_merge import (
    Merge,
    incompatible,
    join,
    kind_of,
    shown_type,
)
from connectors_core.api.schema_parse import NAMED, logical, named_types
from connectors_core.avro.checker import Check, checker

_PROMOTIONS = {
    "int": ("int", "long", "float", "double"),
    "long": ("long", "float", "double"),
    "float": ("float", "double"),
}


def evolve(old: Schema, new: Schema | Sequence[Any]) -> Schema:
    """Return the schema that holds what `old` holds, and what a new schema or samples do.

    A new or missing field becomes nullable with default null, numbers widen by Avro's promotions.
    Always BACKWARD compatible. Raises SchemaError that names the field for any other change.
    """
    definition = old.definition
    names = named_types(definition)
    if isinstance(new, Schema):
        come = new.definition
        found = Merge(names, named_types(come)).types(definition, come, "")
    else:
        check = checker(old)
        inference = Inference(old.name, definition, names)
        for sample in new:
            if not _takes(check, plain(sample)):
                inference.add(sample)
        found = known(Merge(names).types(definition, inference.found, ""))
    try:
        grown = Schema(found)
    except ConfigError as error:
        raise SchemaError(error.message, code="schema.incompatible", place=error.place) from error
    backward(grown, old)
    return grown


def _takes(check: Check, value: Any) -> bool:
    try:
        check(value)
    except SchemaError:
        return False
    return True


def learn(samples: Sequence[Any], name: str) -> Schema | None:
    """Infer a schema of those samples that fit together, the first ones leading.

    What does not fit is left to its own encoding, where it is that record's error. None if no
    sample says anything.
    """
    inference, found = Inference(name), False
    for sample in samples:
        try:
            inference.add(sample)
            found = True
        except (SchemaError, RecursionError):
            continue
    return Schema(inference.definition()) if found else None


def backward(reader: Schema, writer: Schema) -> None:
    """Check that a reader with one schema reads all that a writer with the other wrote.

    By "Schema Resolution" of the Avro specification 1.12, without the change between text and
    bytes. Raises SchemaError that names the field.
    """
    if reader == writer:
        return
    new, old = reader.definition, writer.definition
    _Resolution(named_types(new), named_types(old)).check(new, old, "")


@dataclass(slots=True)
class _Resolution:
    """Whether data of one definition can be read by another."""

    new_names: Mapping[str, Any]
    old_names: Mapping[str, Any]
    seen: set[tuple[str, str]] = field(default_factory=set)

    def check(self, new: Any, old: Any, path: str) -> None:
        new = self.new_names.get(new, new) if isinstance(new, str) else new
        old = self.old_names.get(old, old) if isinstance(old, str) else old
        if isinstance(old, list):
            for branch in old:
                self.check(new, branch, path)
        elif isinstance(new, list):
            self._into_union(new, old, path)
        elif logical(new) or logical(old):
            self._logical(new, old, path)
        else:
            self._kinds(new, old, path)

    def _into_union(self, new: list[Any], old: Any, path: str) -> None:
        first: SchemaError | None = None
        # Null never tells why the other branch would not do.
        for branch in sorted(new, key=lambda one: one == "null"):
            try:
                return self.check(branch, old, path)
            except SchemaError as error:
                first = first or error
        raise first or incompatible(path, f"was {shown_type(old)}, and is a union of nothing")

    def _logical(self, new: Any, old: Any, path: str) -> None:
        same = logical(new) == logical(old) and kind_of(new) == kind_of(old)
        if not same or any(
            new.get(key, 0) != old.get(key, 0) for key in ("precision", "scale", "size")
        ):
            raise self._changed(new, old, path)

    def _changed(self, new: Any, old: Any, path: str) -> SchemaError:
        return incompatible(path, f"was {shown_type(old)}, and can't become {shown_type(new)}")

    def _kinds(self, new: Any, old: Any, path: str) -> None:
        kind, was = kind_of(new), kind_of(old)
        if kind not in _PROMOTIONS.get(was, (was,)):
            raise self._changed(new, old, path)
        if kind in NAMED:
            self._named(kind, new, old, path)
        elif kind in ("array", "map"):
            key, step = ("items", "[]") if kind == "array" else ("values", "{}")
            self.check(new[key], old[key], f"{path}{step}")

    def _named(self, kind: str, new: Any, old: Any, path: str) -> None:
        names = {_short(new["name"]), *map(_short, new.get("aliases", ()))}
        if _short(old["name"]) not in names:
            raise self._changed(new, old, path)
        if kind == "record":
            pair = (new["name"], old["name"])
            if pair not in self.seen:
                self.seen.add(pair)
                self._fields(new, old, path)
        elif kind == "fixed" and new["size"] != old["size"]:
            raise self._changed(new, old, path)
        elif kind == "enum" and "default" not in new:
            gone = sorted(set(old["symbols"]) - set(new["symbols"]))
            if gone:
                raise incompatible(path, f"has lost the symbol {', '.join(gone)}, and no default")

    def _fields(self, new: Any, old: Any, path: str) -> None:
        before = {one["name"]: one for one in old["fields"]}
        for one in new["fields"]:
            names = (one["name"], *one.get("aliases", ()))
            known = next((before[name] for name in names if name in before), None)
            inner = join(path, one["name"])
            if known is not None:
                self.check(one["type"], known["type"], inner)
            elif "default" not in one:
                raise incompatible(inner, "is new, and has no default for what is stored already")


def _short(name: str) -> str:
    return name.rpartition(".")[2]
