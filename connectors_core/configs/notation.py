"""Flat and nested notation: `tasks: {max: 2}` and `tasks.max: 2` mean the same.

What belongs to the framework is told by the aliases of ConnectorOptions; the rest is the plugin's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.errors import ConfigError
from connectors_core.configs.kind import inside, options_in
from connectors_core.configs.tree import MAX_DEPTH, List, Map, Mark

OPEN = {
    "topics": 9,
    "topic.creation": 9,
    "transforms": 2,
    "predicates": 2,
    "producer.override": 9,
}
"""Options with names of the user's own below them, and how many levels of these are names."""
CONVERTERS = ("key.converter", "value.converter")
_LEVELS = {**OPEN, **dict.fromkeys(CONVERTERS, 1)}


@lru_cache(maxsize=1)
def aliases() -> frozenset[str]:
    """Return the name of every framework option, as Kafka Connect writes it."""
    fields = ConnectorOptions.model_fields
    return frozenset(field.alias or name for name, field in fields.items())


@lru_cache(maxsize=1)
def groups() -> frozenset[str]:
    """Return the prefixes of framework options that are maps in nested notation."""
    names = (alias.split(".") for alias in aliases())
    return frozenset(".".join(parts[:n]) for parts in names for n in range(1, len(parts)))


@dataclass(slots=True)
class Problems:
    """Collects the mistakes of one file."""

    file: str
    found: list[ConfigError] = field(default_factory=list)

    def add(self, mark: Mark, message: str, code: str = "config.option") -> None:
        """Note a mistake, at the line of a key."""
        self.found.append(ConfigError(message, code=code, place=f"{self.file}:{mark.line}"))

    def put(self, into: Map, key: str, value: Any, mark: Mark) -> None:
        """Set a key that must not be there yet."""
        if key in into:
            self.add(mark, f"{key}: already given in line {into.mark(key).line}: keep one")
        else:
            into.put(key, value, mark)


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map of dotted names; an empty map stays a value."""
    return dict(_leaves(values, ""))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def separate(raw: Map, problems: Problems) -> tuple[Map, Map]:
    """Return the framework's options by their dotted names, and the plugin's as they stand."""
    framework, plugin = Map(), Map()
    for name, value, mark in _options(raw, ""):
        into = framework if is_framework(name) else plugin
        problems.put(into, name, value, mark)
    return framework, plugin


def is_framework(name: str) -> bool:
    """Say whether a dotted name is the framework's."""
    return name in aliases() or any(name.startswith(f"{prefix}.") for prefix in _LEVELS)


def _options(raw: Map, prefix: str) -> Iterator[tuple[str, Any, Mark]]:
    for key, value in raw.items():
        name = prefix + key
        if isinstance(value, Map) and value and _goes_on(name):
            yield from _options(value, f"{name}.")
        else:
            yield name, value, raw.marks[key]


def _goes_on(name: str) -> bool:
    for prefix, levels in _LEVELS.items():
        if name == prefix or name.startswith(f"{prefix}."):
            return name[len(prefix) :].count(".") < levels
    return name in groups()


def require_map(framework: Map, name: str, problems: Problems) -> None:
    """Note what stands where only options below a name may stand."""
    if name in framework and framework[name] != {}:
        problems.add(framework.mark(name), f"{name}: must be a map, not a value of its own.")


def under(framework: Map, prefix: str) -> Map:
    """Return the options below a prefix, by the rest of their names."""
    rest = Map()
    for name, value in framework.items():
        if name.startswith(f"{prefix}."):
            rest.put(name[len(prefix) + 1 :], value, framework.marks[name])
    return rest


def nested(values: Map, kind: Any, problems: Problems) -> Map:
    """Return a plugin's options with dotted names made maps, as far as its model has them.

    Names of the user's own (the keys of a dict) are left as they are, dots and all.
    """
    made = Map()
    known = options_in(kind)
    for key, value in values.items():
        mark = values.marks[key]
        head, dot, rest = key.partition(".")
        if dot and key not in known and head in known and key.count(".") < MAX_DEPTH:
            inner = Map()
            inner.put(rest, value, mark)
            _merge(made, head, _deeper(inner, known[head], problems), mark, problems)
        else:
            _merge(made, key, _deeper(value, inside(kind, key), problems), mark, problems)
    return made


def _deeper(value: Any, kind: Any, problems: Problems) -> Any:
    if isinstance(value, Map):
        return nested(value, kind, problems)
    if not isinstance(value, List):
        return value
    items = List()
    for n, item in enumerate(value):
        items.add(_deeper(item, inside(kind, n), problems), value.marks[n])
    return items


def _merge(into: Map, key: str, value: Any, mark: Mark, problems: Problems) -> None:
    there = into.get(key)
    if isinstance(there, Map) and isinstance(value, Map):
        for inner in value:
            _merge(there, inner, value[inner], value.marks[inner], problems)
    else:
        problems.put(into, key, value, mark)
