"""Reads an Avro definition: checks it whole, resolves its names, and says what is wrong where.

The rules are those of the Avro specification 1.12. The result is plain JSON data in which every
name is a full name and every named type stands once, where it is first met.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.record import canonical
from connectors_core.api.schema_default import fits
from connectors_core.api.schema_names import NAME, PRIMITIVES, PROPERTY, original

NAMED = frozenset(("record", "enum", "fixed"))
MAX_DEPTH = 64
MAX_BYTES = 1 << 20
MAX_FIXED = 1 << 20
_LOGICAL = {
    "date": ("int",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "uuid": ("string",),
    "decimal": ("bytes", "fixed"),
}


def logical(definition: Any) -> str | None:
    """Return the logical type, if it is one that is written and read as such.

    Others are left to their underlying type, as the specification asks.
    """
    if isinstance(definition, dict):
        name = definition.get("logicalType")
        if isinstance(name, str) and definition["type"] in _LOGICAL.get(name, ()):
            return name
    return None


def parse(definition: Any) -> Any:
    """Return the checked, resolved definition. Raises ConfigError (`config.schema`)."""
    try:
        if isinstance(definition, str) and definition.lstrip()[:1] in ("{", "[", '"'):
            definition = json.loads(definition, object_pairs_hook=_once)
        if len(canonical(definition)) > MAX_BYTES:
            raise refused("", "is larger than 1 MiB. Split it")
    except RecursionError as error:
        raise refused("", f"is nested deeper than {MAX_DEPTH} levels") from error
    except (ValueError, TypeError) as error:
        raise refused("", f"is not JSON: {error}. Give JSON text, a dict or a list") from error
    return _Reader().read(definition, _At())


def refused(path: str, problem: str) -> ConfigError:
    """Build the error of a definition; `path` is the way to the place inside it."""
    return ConfigError(f"{problem}.", code="config.schema", place=f"schema {path}".rstrip())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise refused("", f"has the key {double!r} twice in one object")
    return found


@dataclass(frozen=True, slots=True)
class _At:
    """Where the reader is."""

    path: str = ""
    namespace: str = ""
    depth: int = 0

    def into(self, step: str) -> _At:
        path = f"{self.path}.{step}" if self.path else step
        return replace(self, path=path, depth=self.depth + 1)


@dataclass(slots=True)
class _Reader:
    names: dict[str, Any] = field(default_factory=dict)

    def read(self, node: Any, at: _At) -> Any:
        if at.depth > MAX_DEPTH:
            raise refused(at.path, f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, str):
            return node if node in PRIMITIVES else self._reference(node, at)
        if isinstance(node, Mapping):
            return self._object(dict(node), at)
        if isinstance(node, Sequence) and not isinstance(node, bytes | bytearray):
            return self._union(node, at)
        raise refused(at.path, f"must be a name, an object or a list, got {type(node).__name__}")

    def _reference(self, name: str, at: _At) -> str:
        full = name if "." in name or not at.namespace else f"{at.namespace}.{name}"
        if full not in self.names:
            known = ", ".join(sorted(self.names)) or "none"
            raise refused(
                at.path,
                f"names the type {name!r}, which is neither Avro's nor defined before this place"
                f" (defined: {known})",
            )
        return full

    def _union(self, nodes: Sequence[Any], at: _At) -> list[Any]:
        branches = [self.read(node, at.into(f"[{n}]")) for n, node in enumerate(nodes)]
        if not branches:
            raise refused(at.path, "is a union without branches")
        if any(isinstance(branch, list) for branch in branches):
            raise refused(at.path, "is a union directly inside a union. Make it one")
        names = [branch_name(branch) for branch in branches]
        for name in names:
            if names.count(name) > 1:
                raise refused(at.path, f"has {name!r} more than once in its union")
        return branches

    def _object(self, node: dict[str, Any], at: _At) -> Any:
        kind = node.get("type")
        if kind is None:
            raise refused(at.path, 'has no "type"')
        if not isinstance(kind, str):
            return self.read(kind, at.into("type"))
        if kind in NAMED:
            return self._named(kind, node, at)
        if kind in ("array", "map"):
            key = "items" if kind == "array" else "values"
            if key not in node:
                raise refused(at.path, f'is of type {kind} and has no "{key}"')
            return {**node, key: self.read(node[key], at.into(key))}
        if kind in PRIMITIVES:
            _check_logical(node, at)
            return node if set(node) - {"type", "doc"} else kind
        return self._reference(kind, at)

    def _named(self, kind: str, node: dict[str, Any], at: _At) -> dict[str, Any]:
        full, namespace = _full_name(node, at)
        if full in self.names:
            raise refused(at.path, f"defines the type {full!r} a second time")
        inner = replace(at, namespace=namespace, path=at.path or full)
        made = {key: value for key, value in node.items() if key != "namespace"} | {"name": full}
        if "aliases" in node:
            made["aliases"] = [
                _full_name({"name": alias}, inner)[0] for alias in _texts(node, "aliases", at)
            ]
        self.names[full] = made
        if kind == "record":
            made["fields"] = None
            made["fields"] = self._fields(node, inner)
        elif kind == "enum":
            _check_enum(node, inner)
        else:
            _check_fixed(node, inner)
        return made

    def _fields(self, node: dict[str, Any], at: _At) -> list[dict[str, Any]]:
        fields = node.get("fields")
        if not isinstance(fields, list):
            raise refused(at.path, 'is a record without a list of "fields"')
        made = [self._field(one, n, at) for n, one in enumerate(fields)]
        for names in ([one["name"] for one in made], [original(one) for one in made]):
            for name in names:
                if names.count(name) > 1:
                    raise refused(at.path, f"has the field {name!r} more than once")
        return made

    def _field(self, node: Any, number: int, at: _At) -> dict[str, Any]:
        if not isinstance(node, Mapping) or "type" not in node:
            raise refused(at.path, f'has a field (number {number}) that has no "type"')
        name = _name(node.get("name"), at)
        inner = at.into(name)
        if not isinstance(node.get(PROPERTY, ""), str):
            raise refused(inner.path, f"has a {PROPERTY!r} that is not text")
        if "aliases" in node:
            for alias in _texts(node, "aliases", inner):
                _name(alias, inner)
        made = {**node, "type": self.read(node["type"], inner)}
        if "default" in made and not fits(made["type"], made["default"], self.names):
            raise refused(
                inner.path,
                f"has the default {made['default']!r}, which its type refuses"
                " (the default of a union is one of its first branch)",
            )
        return made


def named_types(definition: Any) -> dict[str, dict[str, Any]]:
    """Return the named types of a resolved definition by full name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [definition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if node["type"] in NAMED:
                found[node["name"]] = node
            waiting.extend(node[key] for key in ("items", "values") if key in node)
            waiting.extend(one["type"] for one in node.get("fields", ()))
    return found


def branch_name(branch: Any) -> str:
    """Return what tells a branch of a union from the others: its name, or its type."""
    if isinstance(branch, str):
        return branch
    kind: str = branch["type"]
    return str(branch["name"]) if kind in NAMED else kind


def _name(name: Any, at: _At) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refused(
            at.path,
            f"has the name {name!r}; Avro allows letters, digits and _ only, and no digit first."
            f" Keep the original in the field's property {PROPERTY!r}",
        )
    return name


def _full_name(node: dict[str, Any], at: _At) -> tuple[str, str]:
    """Return the full name and the namespace that types inside it take."""
    name, space = node.get("name"), node.get("namespace", at.namespace) or ""
    if not isinstance(name, str) or not isinstance(space, str):
        raise refused(at.path, 'has no "name", or one that is not text')
    full = name if "." in name or not space else f"{space}.{name}"
    for part in full.split("."):
        _name(part, at)
    if full.rpartition(".")[2] in PRIMITIVES:
        raise refused(at.path, f"has the name {full!r}; the names of primitive types are taken")
    if at.namespace and "." not in full:
        raise refused(at.path, f"has {full!r} without a namespace inside one. Give it a namespace")
    return full, full.rpartition(".")[0]


def _texts(node: Mapping[str, Any], key: str, at: _At) -> list[str]:
    texts = node.get(key)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise refused(at.path, f'has "{key}" that are not a list of text')
    return texts


def _check_enum(node: dict[str, Any], at: _At) -> None:
    symbols = _texts(node, "symbols", at)
    if not symbols or len(set(symbols)) != len(symbols):
        raise refused(at.path, "is an enum with no symbols, or with one of them twice")
    for symbol in symbols:
        _name(symbol, at)
    if "default" in node and node["default"] not in symbols:
        raise refused(at.path, f"has the default {node['default']!r}, which is no symbol of it")


def _check_fixed(node: dict[str, Any], at: _At) -> None:
    size = node.get("size")
    if type(size) is not int or not 0 <= size <= MAX_FIXED:
        raise refused(at.path, f'is a fixed whose "size" is not a number from 0 to {MAX_FIXED}')
    _check_logical(node, at)


def _check_logical(node: dict[str, Any], at: _At) -> None:
    if logical(node) != "decimal":
        return
    precision, scale = node.get("precision"), node.get("scale", 0)
    if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision <= 1000:
        raise refused(
            at.path,
            "is a decimal that needs a precision from 1 to 1000 and a scale from 0 to it,"
            f" got {precision!r} and {scale!r}",
        )
    if precision < 1:
        raise refused(at.path, "is a decimal with a precision of 0")
    if node["type"] == "fixed" and 10**precision > 1 << (8 * node["size"] - 1):
        raise refused(
            at.path, f"is a decimal of {precision} digits, too many for {node['size']} bytes"
        )
