"""Unions: which branch a value belongs to, by its exact type; the encoder writes that one."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema_parse import branch_name, logical
from connectors_core.avro.values import bad, under

__all__ = ["Choice", "choices", "single_branch", "under"]

BranchCheck = Callable[[Any, int], None]
Choice = Callable[[Any, int], int]
"""Takes a value and its depth; returns the number of its branch or raises SchemaError."""

_TYPES: dict[str, tuple[type[Any], ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "string": (str,),
    "bytes": (bytes,),
    "fixed": (bytes,),
    "enum": (str,),
    "array": (list,),
    "map": (dict,),
    "record": (dict,),
    "decimal": (Decimal,),
    "date": (datetime.date,),
    "timestamp-millis": (datetime.datetime,),
    "timestamp-micros": (datetime.datetime,),
    "uuid": (UUID,),
}
_ORDER = {"double": 1, "float": 2}


def single_branch(branches: Sequence[Any]) -> Any | None:
    """Return the other branch of a union of null and one more; None if it is wider."""
    rest = [branch for branch in branches if branch != "null"]
    return rest[0] if len(branches) == 2 and len(rest) == 1 else None


def choices(checks: Sequence[tuple[Any, BranchCheck]], names: Mapping[str, Any]) -> Choice:
    """Return what chooses the branch of a value: the first, in the schema's order, that takes it.

    A float goes to a double before a 32-bit float, an integer to either only if no integer
    branch takes it. So of a map of floats and a record of integers the first one takes both.
    """
    by_type: dict[type[Any], list[tuple[int, BranchCheck]]] = {}
    kinds = [_kind(branch, names) for branch, _ in checks]
    for number in sorted(range(len(kinds)), key=lambda n: _ORDER.get(kinds[n], 0)):
        for cls in _TYPES[kinds[number]]:
            by_type.setdefault(cls, []).append((number, checks[number][1]))
    listed = ", ".join(branch_name(branch) for branch, _ in checks)

    def choose(value: Any, depth: int) -> int:
        refusals: list[SchemaError] = []
        for number, check in by_type.get(type(value), ()):
            try:
                check(value, depth)
                return number
            except SchemaError as error:
                refusals.append(error)
        if len(refusals) == 1:
            raise refusals[0]
        return bad(value, f"of one of the types {listed}", "")

    return choose


def _kind(branch: Any, names: Mapping[str, Any]) -> str:
    whole = names.get(branch, branch) if isinstance(branch, str) else branch
    return logical(whole) or (whole if isinstance(whole, str) else str(whole["type"]))
