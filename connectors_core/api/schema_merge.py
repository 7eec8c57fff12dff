"""Merge: the one schema that values of two schemas fit, if the rules of evolution allow one.

A field that one side lacks becomes nullable with default null; numbers widen by Avro's promotions;
anything else is an error that names the field. A reader with the result reads data of either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema_names import PRIMITIVES, original
from connectors_core.api.schema_parse import NAMED, logical
from connectors_core.api.schema_types import MISSING, with_default

UNKNOWN: list[Any] = []
"""What an empty list holds: a union without branches, which merges into anything."""
MAX_FIELDS = 1000
_WIDTH = {"int": 0, "long": 1, "float": 2, "double": 3}


def kind_of(definition: Any) -> str:
    """Return the Avro type of a definition that is not a union."""
    return definition if isinstance(definition, str) else str(definition["type"])


def branches_of(definition: Any) -> list[Any]:
    """Return the branches of a union, or the definition alone."""
    return definition if isinstance(definition, list) else [definition]


def join(path: str, step: str) -> str:
    """Return the way to what lies inside `path`."""
    return f"{path}.{step}" if path and not step.startswith("[") else f"{path}{step}"


def incompatible(path: str, problem: str) -> SchemaError:
    """Build the error of a change that the rules do not allow."""
    return SchemaError(f"{problem}.", code="schema.incompatible", place=path or "value")


def shown_type(definition: Any) -> str:
    """Return a definition as one short word or two, for an error."""
    if isinstance(definition, list):
        return "[" + ", ".join(shown_type(branch) for branch in definition) + "]"
    if isinstance(definition, str):
        return definition
    name = definition.get("name") or logical(definition)
    if logical(definition) == "decimal":
        name = f"decimal({definition['precision']}, {definition.get('scale', 0)})"
    return f"{definition['type']} {name}" if name else str(definition["type"])


@dataclass(frozen=True, slots=True)
class Merge:
    """Merges definitions; the tables resolve references of either side."""

    old_names: Mapping[str, Any] = field(default_factory=dict)
    new_names: Mapping[str, Any] = field(default_factory=dict)

    def types(self, old: Any, new: Any, path: str) -> Any:
        """Return the type that holds both. Raises SchemaError that names the field."""
        if new in (old, UNKNOWN):
            return old
        if old == UNKNOWN:
            return new
        if "null" in (old, new) or isinstance(old, list) or isinstance(new, list):
            return self._unions(old, new, path)
        if self._is_reference(old) or self._is_reference(new):
            return self._references(old, new, path)
        kind, other = kind_of(old), kind_of(new)
        if logical(old) or logical(new):
            return self._logical(old, new, path)
        if kind in _WIDTH and other in _WIDTH:
            return self._numbers(old, new)
        if kind != other:
            raise incompatible(path, f"is {shown_type(old)}, and can't become {shown_type(new)}")
        return self._same_kind(kind, old, new, path)

    def _is_reference(self, definition: Any) -> bool:
        return isinstance(definition, str) and definition not in PRIMITIVES

    def _references(self, old: Any, new: Any, path: str) -> Any:
        whole = self.old_names[old] if self._is_reference(old) else old
        other = self.new_names[new] if self._is_reference(new) else new
        if self.types(whole, other, path) != whole:
            raise incompatible(
                path,
                f"is of the type {shown_type(whole)}, which other fields share, so that values"
                " can't change it. Give a new schema",
            )
        return old

    def _logical(self, old: Any, new: Any, path: str) -> Any:
        keys = ("precision", "scale", "size")
        if (
            logical(old) != logical(new)
            or kind_of(old) != kind_of(new)
            or any(old.get(key, 0) != new.get(key, 0) for key in keys)
        ):
            raise incompatible(path, f"is {shown_type(old)}, and can't become {shown_type(new)}")
        return old

    def _numbers(self, old: Any, new: Any) -> Any:
        kind, other = kind_of(old), kind_of(new)
        low, high = sorted((kind, other), key=_WIDTH.__getitem__)
        # Beside an integer a float would lose digits that a double holds.
        wide = "double" if high == "float" and low in ("int", "long") else high
        return old if wide == kind else new if wide == other else wide

    def _same_kind(self, kind: str, old: Any, new: Any, path: str) -> Any:
        if isinstance(old, str) or isinstance(new, str):
            return old
        if kind in NAMED and old["name"] != new["name"]:
            raise incompatible(path, f"is {shown_type(old)}, and can't become {shown_type(new)}")
        if kind == "record":
            return old | {"fields": self._fields(old["fields"], new["fields"], path)}
        if kind in ("array", "map"):
            key, step = ("items", "[]") if kind == "array" else ("values", "{}")
            return old | {key: self.types(old[key], new[key], f"{path}{step}")}
        if kind == "enum" and not set(new["symbols"]) <= set(old["symbols"]):
            more = ", ".join(sorted(set(new["symbols"]) - set(old["symbols"])))
            raise incompatible(path, f"is {shown_type(old)}, which has no symbol {more}")
        if kind == "fixed" and old["size"] != new["size"]:
            raise incompatible(path, f"is a fixed of {old['size']} bytes, not of {new['size']}")
        return old

    def _unions(self, old: Any, new: Any, path: str) -> list[Any] | Any:
        kept = [branch for branch in branches_of(old) if branch != "null"]
        come = [branch for branch in branches_of(new) if branch != "null"]
        if not kept or not come:
            made = kept or come
        elif len(kept) == len(come) == 1:
            made = [self.types(kept[0], come[0], path)]
        else:
            made = self._into_branches(kept, come, path)
        if "null" not in branches_of(old):
            made = ["null", *made] if "null" in branches_of(new) else made
        elif isinstance(old, list):
            rest = iter(made)
            made = ["null" if branch == "null" else next(rest) for branch in old]
        else:
            made = ["null", *made]
        if made == branches_of(old):
            return old
        return made if len(made) > 1 else made[0]

    def _into_branches(self, kept: list[Any], come: list[Any], path: str) -> list[Any]:
        made = list(kept)
        for branch in come:
            for number, one in enumerate(made):
                try:
                    made[number] = self.types(one, branch, path)
                    break
                except SchemaError:
                    continue
            else:
                raise incompatible(
                    path, f"is {shown_type(kept)}, and takes no {shown_type(branch)}"
                )
        return made

    def _fields(self, old: list[Any], new: list[Any], path: str) -> list[Any]:
        come = {original(one): one for one in new}
        made = [self._field(one, come.pop(original(one), None), path) for one in old]
        made += [self._nullable(one) for one in come.values()]
        if len(made) > MAX_FIELDS:
            raise incompatible(
                path,
                f"would have more than {MAX_FIELDS} fields. If its keys are data, give a schema in"
                " which it is a map",
            )
        return made

    def _field(self, old: dict[str, Any], new: dict[str, Any] | None, path: str) -> dict[str, Any]:
        if new is None:
            return self._nullable(old)
        if old == new:
            return old
        kind = self.types(old["type"], new["type"], join(path, original(old)))
        if kind == old["type"] and ("default" in old or "default" not in new):
            return old
        made = old | {"type": kind}
        if "doc" in new:
            made["doc"] = new["doc"]
        return self._settled(made, made.get("default", new.get("default", MISSING)))

    def _nullable(self, one: dict[str, Any]) -> dict[str, Any]:
        if "default" in one:
            return one
        branches = branches_of(one["type"])
        if one["type"] == "null" or not branches:
            return one | {"type": "null", "default": None} if branches else one
        rest = [branch for branch in branches if branch != "null"]
        return one | {"type": ["null", *rest], "default": None}

    def _settled(self, made: dict[str, Any], default: Any) -> dict[str, Any]:
        return with_default(made, default, {**self.new_names, **self.old_names})
