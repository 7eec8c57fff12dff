"""Bounds: walks the bytes of a message by its schema before anything is built from them.

fastavro trusts them: 1 MB of a type inside itself overruns the C stack and ends the process, five
bytes are a list of 20 million nulls, the branch -1 of a union is its last, the boolean 2 is true,
and a decimal with too many digits is rounded. Each is a DataError here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.errors import DataError
from connectors_core.api.schema_parse import logical, named_types
from connectors_core.avro.checker import MAX_DEPTH

MAX_EMPTY_ITEMS = 100_000
"""Items of lists that take no bytes (nulls) in one message; others are bounded by its bytes."""

Walk = Callable[[bytes, int, "Budget"], int]
"""Takes the data, a position and what is left; returns the position after the value."""


@dataclass(slots=True)
class Budget:
    """What one message may still use."""

    items: int = MAX_EMPTY_ITEMS
    depth: int = MAX_DEPTH


def bounds(definition: Any) -> Callable[[bytes, int], None]:
    """Return what checks that data from a position on is exactly one value of the definition."""
    walk = _Walks(named_types(definition)).of(definition)

    def check(data: bytes, position: int) -> None:
        try:
            end = walk(data, position, Budget())
        except IndexError:
            raise bad_data(len(data), "the data ends inside a value") from None
        if end != len(data):
            raise bad_data(min(end, len(data)), "the data does not end where its value does")

    return check


def may_be_many(definition: Any) -> bool:
    """Say whether a few bytes of a definition may stand for any number of items."""
    names = named_types(definition)
    walks, waiting = _Walks(names), [definition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if node["type"] == "array" and walks.is_empty(node["items"], ()):
                return True
            waiting.extend(node[key] for key in ("items", "values") if key in node)
            waiting.extend(one["type"] for one in node.get("fields", ()))
    return False


def bad_data(position: int, problem: str) -> DataError:
    """Build the error of data that is not what its schema says."""
    return DataError(f"byte {position}: {problem}.", code="data.avro")


def read_long(data: bytes, position: int) -> tuple[int, int]:
    """Return a zig-zag number and the position after it."""
    byte = data[position]
    position += 1
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), position
    number, shift = byte & 127, 7
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise bad_data(position, "a number is longer than 64 bits")
    if number >> 64:
        raise bad_data(position, "a number is longer than 64 bits")
    return (number >> 1) ^ -(number & 1), position


def _null(data: bytes, position: int, budget: Budget) -> int:
    return position


def _boolean(data: bytes, position: int, budget: Budget) -> int:
    if data[position] > 1:
        raise bad_data(position, "a boolean is neither 0 nor 1")
    return position + 1


def _long(data: bytes, position: int, budget: Budget) -> int:
    return read_long(data, position)[1]


def _int(data: bytes, position: int, budget: Budget) -> int:
    number, end = read_long(data, position)
    if not -(1 << 31) <= number < 1 << 31:
        raise bad_data(position, "an int is longer than 32 bits")
    return end


def _sized(data: bytes, position: int, budget: Budget) -> int:
    size, end = read_long(data, position)
    if not 0 <= size <= len(data) - end:
        raise bad_data(position, f"a length of {size} where {len(data) - end} bytes are left")
    return end + size


def _of_size(size: int) -> Walk:
    return lambda data, position, budget: position + size


def _index(data: bytes, position: int, count: int, what: str) -> tuple[int, int]:
    number, end = read_long(data, position)
    if not 0 <= number < count:
        raise bad_data(position, f"{what} {number} of {count}")
    return number, end


def _enum(symbols: list[str]) -> Walk:
    return lambda data, position, budget: _index(data, position, len(symbols), "the symbol")[1]


def _decimal(walk: Walk, precision: int, sized: bool) -> Walk:
    limit = 10**precision

    def check(data: bytes, position: int, budget: Budget) -> int:
        end = walk(data, position, budget)
        start = read_long(data, position)[1] if sized else position
        if abs(int.from_bytes(data[start:end], "big", signed=True)) >= limit:
            raise bad_data(position, f"a decimal has more than {precision} digits")
        return end

    return check


def _blocks(walk: Walk, empty: bool) -> Walk:
    """Walk the blocks of a list or a map: a count, negative if the block's bytes follow it."""

    def check(data: bytes, position: int, budget: Budget) -> int:
        while True:
            start = position
            count, position = read_long(data, position)
            if count == 0:
                return position
            if count < 0:
                count = -count
                position = read_long(data, position)[1]
            if empty:
                budget.items -= count
            if budget.items < 0 or (not empty and count > len(data) - position):
                raise bad_data(start, f"a list of {count} items is more than there can be")
            for _ in range(count):
                position = walk(data, position, budget)

    return check


_PLAIN: dict[str, Walk] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": _long,
    "float": _of_size(4),
    "double": _of_size(8),
    "bytes": _sized,
    "string": _sized,
}


@dataclass(slots=True)
class _Walks:
    """Builds the walk of a type of those of its parts."""

    names: Mapping[str, Any]
    records: dict[str, Walk] = field(default_factory=dict)

    def of(self, definition: Any) -> Walk:
        if isinstance(definition, list):
            return self._union([self.of(branch) for branch in definition])
        if isinstance(definition, str):
            if definition not in self.names:
                return _PLAIN[definition]
            definition = self.names[definition]
        kind = definition["type"]
        if kind == "record":
            return self._record(definition)
        if kind == "array":
            return _blocks(self.of(definition["items"]), self.is_empty(definition["items"], ()))
        if kind == "map":
            return _blocks(self._entry(self.of(definition["values"])), empty=False)
        if kind == "enum":
            return _enum(definition["symbols"])
        walk = _of_size(definition["size"]) if kind == "fixed" else _PLAIN[kind]
        if logical(definition) == "decimal":
            return _decimal(walk, definition["precision"], sized=kind == "bytes")
        return walk

    def _union(self, walks: list[Walk]) -> Walk:
        def check(data: bytes, position: int, budget: Budget) -> int:
            number, position = _index(data, position, len(walks), "the branch")
            return walks[number](data, position, budget)

        return check

    def _entry(self, walk: Walk) -> Walk:
        return lambda data, position, budget: walk(data, _sized(data, position, budget), budget)

    def _record(self, definition: dict[str, Any]) -> Walk:
        name, records = definition["name"], self.records
        if name in records:
            return records[name]
        parts: list[Walk] = []

        def check(data: bytes, position: int, budget: Budget) -> int:
            budget.depth -= 1
            if budget.depth < 0:
                raise bad_data(position, f"nested deeper than {MAX_DEPTH} levels")
            for walk in parts:
                position = walk(data, position, budget)
            budget.depth += 1
            return position

        records[name] = check
        parts += [self.of(one["type"]) for one in definition["fields"]]
        return check

    def is_empty(self, definition: Any, seen: tuple[str, ...]) -> bool:
        """Say whether a value of a type may take no bytes at all."""
        if isinstance(definition, str) and definition in self.names:
            definition = self.names[definition]
        if isinstance(definition, str | list):
            return definition == "null"
        if definition["type"] == "fixed":
            return bool(definition["size"] == 0)
        if definition["type"] != "record" or definition["name"] in seen:
            return bool(definition["type"] == "record")
        inside = (*seen, definition["name"])
        return all(self.is_empty(one["type"], inside) for one in definition["fields"])
