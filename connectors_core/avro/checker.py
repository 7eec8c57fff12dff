"""The checker: source code generated once for a schema that refuses what does not fit exactly.

Invariant 6. fastavro writes 1.7 as 1 for a long, 1e300 as inf for a float, "no" as true, drops
fields that the schema has not, and reads a time without a zone as local time; so nothing reaches
it that is not of exactly the type that the schema names.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema
from connectors_core.api.schema_names import PRIMITIVES, original
from connectors_core.api.schema_parse import logical, named_types
from connectors_core.avro import values
from connectors_core.avro.union import Choice, choices, single_branch

Check = Callable[[Any], None]
MAX_DEPTH = 100
"""Levels of types inside each other; fastavro has no limit and would overrun the C stack."""

_RANGES = {"int": 1 << 31, "long": 1 << 63}
_TOOLS = {
    **{
        name: getattr(values, name)
        for name in (
            "bad", "decimal", "double", "extra", "fixed", "instant", "key", "missing", "single",
            "symbol", "text", "too_deep", "under", "uuid",
        )
    },
    "date": datetime.date,
    "SchemaError": SchemaError,
}  # fmt: skip
_CALLS = {
    "double": "double({var}, {path})",
    "float": "single({var}, {path})",
    "uuid": "uuid({var}, {path})",
    "timestamp-millis": "instant({var}, 1000, {path})",
    "timestamp-micros": "instant({var}, 1, {path})",
}


def checker(schema: Schema) -> Check:
    """Compile the checker of a schema: returns None, or raises SchemaError naming the field."""
    return compiled(schema.definition)[0]


def compiled(definition: Any) -> tuple[Check, dict[int, Choice]]:
    """Compile the checker, and what chooses the branch of each wide union, by `id` of its list."""
    source = _Source(named_types(definition))
    return source.compile(definition), source.unions


@dataclass(slots=True)
class _Source:
    """The source code of one schema: a function for each record, list, map and wide union."""

    names: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=_TOOLS.copy)
    functions: dict[int, str] = field(default_factory=dict)
    unions: dict[int, Choice] = field(default_factory=dict)

    def compile(self, definition: Any) -> Check:
        self.lines += ["def check(v, d=0):", *self._body(definition)]
        # Built of quoted names, numbers and these templates only.
        exec("\n".join(self.lines), self.tools)  # noqa: S102
        check: Check = self.tools["check"]
        return check

    def _body(self, definition: Any) -> list[str]:
        """Return the body of a function that checks `v`."""
        return self._value(definition, "v", "", "    ") or ["    pass"]

    def _whole(self, definition: Any) -> Any:
        reference = isinstance(definition, str) and definition not in PRIMITIVES
        return self.names[definition] if reference else definition

    def _define(self, name: str, definition: dict[str, Any]) -> None:
        self.tools[name] = None  # Named before it is written: a type may lie inside itself.
        make = {"record": self._record, "array": self._array, "map": self._map}
        body = make[definition["type"]](definition)
        deep = f"    if d > {MAX_DEPTH}: too_deep({MAX_DEPTH})"
        self.lines += [f"def {name}(v, d):", deep, *body]

    def _record(self, definition: dict[str, Any]) -> list[str]:
        fields = definition["fields"]
        needed = [one for one in fields if "default" not in one]
        names = f"n{len(self.tools)}"
        self.tools[names] = frozenset(original(one) for one in fields)
        numbers = {id(one): number for number, one in enumerate(fields)}
        lines = ["    if type(v) is not dict: bad(v, 'a dict', '')"]
        if needed:
            lines.append("    try:")
            lines += [f"        a{numbers[id(one)]} = v[{original(one)!r}]" for one in needed]
            lines.append("    except KeyError as error: missing(error.args[0])")
        lines.append(f"    n = {len(needed)}")
        for one in fields:
            lines += self._field(one, f"a{numbers[id(one)]}")
        return [*lines, f"    if len(v) != n: extra(v, {names})"]

    def _field(self, one: dict[str, Any], var: str) -> list[str]:
        path = values.step_of(original(one))
        if "default" not in one:
            return self._value(one["type"], var, path, "    ")
        lines = [f"    if {original(one)!r} in v:", "        n += 1"]
        body = self._value(one["type"], var, path, "        ")
        return [*lines, f"        {var} = v[{original(one)!r}]", *body] if body else lines

    def _array(self, definition: dict[str, Any]) -> list[str]:
        body = self._value(definition["items"], "x", "", "            ") or ["            pass"]
        return [
            "    if type(v) is not list: bad(v, 'a list', '')",
            "    i = -1",
            "    try:",
            "        for x in v:",
            "            i += 1",
            *body,
            "    except SchemaError as error: raise under(error, f'[{i}]') from None",
        ]

    def _map(self, definition: dict[str, Any]) -> list[str]:
        body = self._value(definition["values"], "x", "", "            ")
        return [
            "    if type(v) is not dict: bad(v, 'a dict', '')",
            "    for k in v: key(k)",
            "    k = ''",
            "    try:",
            "        for k, x in v.items():",
            *(body or ["            pass"]),
            "    except SchemaError as error: raise under(error, f'[{k!a}]') from None",
        ]

    def _value(self, definition: Any, var: str, path: str, indent: str) -> list[str]:
        """Return the lines that check `var`; `path` is its step, "" if the caller adds it."""
        definition = self._whole(definition)
        if isinstance(definition, list):
            return self._union(definition, var, path, indent)
        kind = logical(definition) or (
            definition if isinstance(definition, str) else definition["type"]
        )
        if kind in ("record", "array", "map"):
            return self._call(self._function(definition), var, path, indent)
        return [indent + line for line in self._scalar(kind, definition, var, repr(path))]

    def _function(self, definition: dict[str, Any]) -> str:
        name = self.functions.setdefault(id(definition), f"f{len(self.functions)}")
        if name not in self.tools:
            self._define(name, definition)
        return name

    def _call(self, name: str, var: str, path: str, indent: str) -> list[str]:
        if not path:
            return [f"{indent}{name}({var}, d + 1)"]
        return [
            f"{indent}try: {name}({var}, d + 1)",
            f"{indent}except SchemaError as error: raise under(error, {path!r}) from None",
        ]

    def _union(self, branches: list[Any], var: str, path: str, indent: str) -> list[str]:
        only = single_branch(branches)
        if only is not None:
            body = self._value(only, var, path, indent + "    ")
            return [f"{indent}if {var} is not None:", *body] if body else []
        name = f"u{len(self.tools)}"
        self.tools[name] = None
        checks = [(branch, self._lone(branch)) for branch in branches]
        choice = choices(checks, self.names)
        self.unions[id(branches)] = choice
        self.tools[name] = choice
        return self._call(name, var, path, indent)

    def _lone(self, branch: Any) -> Callable[[Any, int], None]:
        """Return the check of one branch as a function of its own."""
        name = f"b{len(self.tools)}"
        self.tools[name] = None
        self.lines += [f"def {name}(v, d):", *self._body(branch)]
        return lambda value, depth: self.tools[name](value, depth)

    def _scalar(self, kind: str, definition: Any, var: str, path: str) -> list[str]:
        if kind == "string":
            return [
                f"if type({var}) is not str: bad({var}, 'text', {path})",
                f"if not {var}.isascii(): text({var}, {path})",
            ]
        if kind in _RANGES:
            low, high, bits = -_RANGES[kind], _RANGES[kind] - 1, 32 if kind == "int" else 64
            test = f"type({var}) is not int or not {low} <= {var} <= {high}"
            return [f"if {test}: bad({var}, 'an integer of {bits} bits', {path})"]
        if kind == "decimal":
            digits = f"{definition['precision']}, {definition.get('scale', 0)}"
            return [f"decimal({var}, {digits}, {path})"]
        if kind == "fixed":
            return [f"fixed({var}, {definition['size']}, {path})"]
        if kind == "enum":
            name = f"e{len(self.tools)}"
            self.tools[name] = frozenset(definition["symbols"])
            return [f"symbol({var}, {name}, {path})"]
        if kind == "double":
            return [f"if type({var}) is not float: double({var}, {path})"]
        if kind in _CALLS:
            return [_CALLS[kind].format(var=var, path=path)]
        return [_TESTS[kind].format(var=var, path=path)]


_TESTS = {
    "null": "if {var} is not None: bad({var}, 'null', {path})",
    "boolean": "if {var} is not True and {var} is not False: bad({var}, 'a boolean', {path})",
    "bytes": "if type({var}) is not bytes: bad({var}, 'bytes', {path})",
    "date": "if type({var}) is not date: bad({var}, 'a date', {path})",
}
