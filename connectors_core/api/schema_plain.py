"""Models and dataclasses to the plain dicts that are encoded; compiled once for a class."""

from __future__ import annotations

import datetime
import functools
import types
import typing
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from connectors_core.api.schema_types import is_record, members

_SCALARS = frozenset(
    (str, bytes, bool, int, float, Decimal, datetime.date, datetime.datetime, UUID, type(None))
)


def plain(value: Any) -> Any:
    """Return a model or dataclass as a plain dict, an Enum as its value, lists of these alike.

    Dicts and scalars are returned as they are: what a dict holds must be plain already.
    """
    turn = plain_of(value.__class__)
    return value if turn is None else turn(value)


@functools.cache
def plain_of(cls: type[Any]) -> Callable[[Any], Any] | None:
    """Return what makes values of a class plain; None if they are already."""
    if is_record(cls):
        return _of_record(cls)
    if issubclass(cls, Enum):
        return _of_enum
    return _of_list if cls is list else None


def _of_enum(value: Enum) -> Any:
    return value.value


def _of_list(values: Iterable[Any]) -> list[Any]:
    return [_deep(value) for value in values]


def _deep(value: Any) -> Any:
    """Make plain what a field may hold, dicts included."""
    if type(value) is dict:
        return {key: _deep(one) for key, one in value.items()}
    return _of_list(value) if type(value) is tuple else plain(value)


def _of_record(cls: type[Any]) -> Callable[[Any], Any]:
    parts = []
    for member in members(cls):
        read = f"value.{member.attribute}"
        parts.append(f"{member.name!r}: {read if _scalar(member.annotation) else f'deep({read})'}")
    if issubclass(cls, BaseModel) and cls.model_config.get("extra") == "allow":
        # Invariant 6: what the model kept beside its fields is refused later, not dropped here.
        parts.append("**deep(value.__pydantic_extra__ or {})")
    turn: Callable[[Any], Any] = eval(f"lambda value: {{{', '.join(parts)}}}", {"deep": _deep})  # noqa: S307 -- names of fields only, quoted
    return turn


def _scalar(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        return _scalar(annotation.__origin__)
    if typing.get_origin(annotation) is typing.Literal:
        return not any(isinstance(one, Enum) for one in typing.get_args(annotation))
    arguments = typing.get_args(annotation)
    return annotation in _SCALARS or bool(
        arguments and _is_union(annotation) and all(_scalar(one) for one in arguments)
    )


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)
