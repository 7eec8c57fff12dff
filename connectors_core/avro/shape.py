"""Shapes: what fastavro is handed where a plain value would not do, and the way back.

Three things need it: names that Avro does not allow, unions of more than null and one type (so
that the branch which was checked is the one that is written), and defaults of bytes. A schema
without them has no shape, and its values are handed over as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.schema_names import original
from connectors_core.api.schema_parse import branch_name, logical, named_types
from connectors_core.avro.union import Choice, single_branch

Shape = Callable[[Any], Any]


def bare(definition: Any) -> Any:
    """Return the definition as fastavro is given it: only what decides about bytes.

    Logical types that are not ours are left out: they go by their underlying type.
    """
    if isinstance(definition, list):
        return [bare(branch) for branch in definition]
    if isinstance(definition, str):
        return definition
    keys = ["type", "name", "items", "values", "symbols", "size", "fields"]
    if logical(definition):
        keys += ["logicalType", "precision", "scale"]
    made = {key: definition[key] for key in keys if key in definition}
    for key in ("items", "values"):
        if key in made:
            made[key] = bare(made[key])
    if made["type"] == "record":
        made["fields"] = [_bare_field(one) for one in made["fields"]]
    return made if len(made) > 1 else made["type"]


def _bare_field(one: dict[str, Any]) -> dict[str, Any]:
    made = {"name": one["name"], "type": bare(one["type"])}
    return made | {"default": one["default"]} if "default" in one else made


def has_names(definition: Any) -> bool:
    """Say whether any field goes by another name than the source's."""
    return any(
        original(one) != one["name"]
        for record in named_types(definition).values()
        for one in record.get("fields", ())
    )


def shaper(definition: Any, unions: Mapping[int, Choice]) -> Shape | None:
    """Return what turns a checked value into what fastavro writes; None if nothing need be."""
    return _Shaper(named_types(definition), unions).of(definition)


def restorer(definition: Any) -> Shape | None:
    """Return what gives fields the names they had; None if they have them already.

    Records in unions must come as (name, record), which fastavro calls `return_record_name`.
    """
    return _Restorer(named_types(definition)).of(definition) if has_names(definition) else None


def _each(shape: Shape) -> Shape:
    return lambda value: [shape(item) for item in value]


def _each_value(shape: Shape) -> Shape:
    return lambda value: {key: shape(item) for key, item in value.items()}


@dataclass(slots=True)
class _Walk:
    """Builds a shape for a type of those that its parts have."""

    names: Mapping[str, Any]
    records: dict[str, Shape] = field(default_factory=dict)

    def of(self, definition: Any) -> Shape | None:
        if isinstance(definition, list):
            return self.union(definition)
        if isinstance(definition, str):
            if definition not in self.names:
                return None
            definition = self.names[definition]
        kind = definition["type"]
        if kind == "array":
            shape = self.of(definition["items"])
            return _each(shape) if shape else None
        if kind == "map":
            shape = self.of(definition["values"])
            return _each_value(shape) if shape else None
        return self._shared(definition) if kind == "record" else None

    def _shared(self, definition: dict[str, Any]) -> Shape | None:
        """Return the shape of a record; one inside itself finds it when it is called."""
        name, records = definition["name"], self.records
        if name not in records:
            records[name] = lambda value: made(value) if made else value
            made = self.record(definition)
            return made
        return records[name]

    def union(self, branches: list[Any]) -> Shape | None:
        raise NotImplementedError

    def record(self, definition: dict[str, Any]) -> Shape | None:
        raise NotImplementedError


@dataclass(slots=True)
class _Shaper(_Walk):
    unions: Mapping[int, Choice] = field(default_factory=dict)

    def __init__(self, names: Mapping[str, Any], unions: Mapping[int, Choice]) -> None:
        self.names, self.records, self.unions = names, {}, unions

    def union(self, branches: list[Any]) -> Shape | None:
        only = single_branch(branches)
        if only is not None:
            inner, tag = self.of(only), branch_name(only)
            # Tagged, or fastavro would validate the inside, where it mistakes tags for values.
            return (lambda value: None if value is None else (tag, inner(value))) if inner else None
        choose = self.unions[id(branches)]
        shapes = [self.of(branch) for branch in branches]
        tags = [branch_name(branch) for branch in branches]

        def tagged(value: Any) -> Any:
            number = choose(value, 0)
            shape = shapes[number]
            return (tags[number], shape(value) if shape else value)

        return tagged

    def record(self, definition: dict[str, Any]) -> Shape | None:
        fields = [
            (original(one), one["name"], self.of(one["type"])) for one in definition["fields"]
        ]
        defaults = {
            one["name"]: self.default(one["type"], one["default"])
            for one in definition["fields"]
            if "default" in one
        }
        given = {one["name"]: one["default"] for one in definition["fields"] if "default" in one}
        plain = repr(given) == repr(defaults)
        if plain and all(name == key and shape is None for key, name, shape in fields):
            return None

        def renamed(value: Any) -> Any:
            made = {
                name: (shape(value[key]) if shape else value[key])
                for key, name, shape in fields
                if key in value
            }
            return made if len(made) == len(fields) else defaults | made

        return renamed

    def default(self, definition: Any, value: Any) -> Any:
        """Return a default as fastavro writes it: bytes as bytes, a branch with its tag."""
        if isinstance(definition, list):
            made = value if value is None else self.default(definition[0], value)
            narrow = value is None or single_branch(definition) is not None
            same = narrow and repr(made) == repr(value)
            return value if same else (branch_name(definition[0]), made)
        whole = (
            self.names.get(definition, definition) if isinstance(definition, str) else definition
        )
        kind = whole if isinstance(whole, str) else whole["type"]
        if kind in ("bytes", "fixed"):
            return value.encode("latin-1")
        if kind == "array":
            return [self.default(whole["items"], item) for item in value]
        if kind == "map":
            return {key: self.default(whole["values"], item) for key, item in value.items()}
        if kind == "record":
            return {
                one["name"]: self.default(one["type"], value.get(one["name"], one.get("default")))
                for one in whole["fields"]
            }
        return value


@dataclass(slots=True)
class _Restorer(_Walk):
    def union(self, branches: list[Any]) -> Shape | None:
        shapes = {self._tag(branch): self.of(branch) for branch in branches}
        if not any(shapes.values()):
            return _untagged if any(self._is_record(branch) for branch in branches) else None

        def restored(value: Any) -> Any:
            tag = value.__class__
            if tag is tuple:
                tag, value = value
            shape = shapes.get(tag)
            return shape(value) if shape else value

        return restored

    def _tag(self, branch: Any) -> Any:
        kinds = {"array": list, "map": dict}
        name = branch_name(branch)
        return kinds.get(name, name)

    def _is_record(self, branch: Any) -> bool:
        whole = self.names.get(branch, branch) if isinstance(branch, str) else branch
        return isinstance(whole, dict) and whole["type"] == "record"

    def record(self, definition: dict[str, Any]) -> Shape | None:
        fields = [
            (one["name"], original(one), self.of(one["type"])) for one in definition["fields"]
        ]
        if all(name == key and shape is None for name, key, shape in fields):
            return None
        return lambda value: {
            key: (shape(value[name]) if shape else value[name]) for name, key, shape in fields
        }


def _untagged(value: Any) -> Any:
    return value[1] if value.__class__ is tuple else value
