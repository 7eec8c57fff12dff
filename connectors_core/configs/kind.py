"""Reads the type of an option: what it takes in plain words, what lies inside it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from connectors_core.api.config import Kind

_WORDS: dict[Any, str] = {
    Any: "any value",
    object: "any value",
    NoneType: "nothing",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    str: "text",
    bytes: "text",
    SecretStr: "text",
    SecretBytes: "text",
    datetime: "a date and time such as 2024-05-01T09:30:00Z",
    date: "a date such as 2024-05-01",
    time: "a time of day such as 09:30:00",
    timedelta: "a duration such as PT30S",
    UUID: "a UUID",
}
_MANY = {
    "a whole number": "whole numbers",
    "a number": "numbers",
    "a URL": "URLs",
    "a path": "paths",
    "a map of options": "maps of options",
}


def type_of(field: FieldInfo) -> Any:
    """Return the type of a field, with what its annotation adds."""
    base: Any = field.annotation
    return Annotated[(base, *field.metadata)] if field.metadata else base


def key_of(name: str, field: FieldInfo) -> str:
    """Return the name of a field in a file: its alias if it has one."""
    return field.alias or name


@lru_cache(maxsize=1024)
def fields_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the types of a model's options by their name in a file."""
    return {key_of(name, field): type_of(field) for name, field in model.model_fields.items()}


def bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its annotations and aliases, and the annotations."""
    extra: tuple[Any, ...] = ()
    while True:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            extra = (*extra, *more)
        elif hasattr(kind, "__value__"):
            kind = kind.__value__
        else:
            return kind, extra


def choices(kind: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the type itself; without annotations and None."""
    try:
        return _cached(kind)
    except TypeError:  # an annotation that has no hash
        return tuple(_alternatives(kind))


def _alternatives(kind: Any) -> Iterator[Any]:
    base, _ = bare(kind)
    if get_origin(base) in (Union, UnionType):
        for each in get_args(base):
            yield from _alternatives(each)
    elif base is not NoneType:
        yield base


@lru_cache(maxsize=4096)
def _cached(kind: Any) -> tuple[Any, ...]:
    return tuple(_alternatives(kind))


def is_model(base: Any) -> bool:
    """Say whether a type is a pydantic model."""
    return isinstance(base, type) and issubclass(base, BaseModel)


def _is(base: Any, parent: type[Any]) -> bool:
    kind = get_origin(base) or base
    return isinstance(kind, type) and issubclass(kind, parent)


def is_map(kind: Any) -> bool:
    """Say whether a value of this type may be written as a map."""
    return any(is_model(base) or _is(base, Mapping) for base in choices(kind))


def is_list(kind: Any) -> bool:
    """Say whether a value of this type is written as a list."""
    return any(_is_list(base) for base in choices(kind))


def _is_list(base: Any) -> bool:
    return _is(base, Collection) and not any(_is(base, kind) for kind in (Mapping, str, bytes))


def is_secret(kind: Any) -> bool:
    """Say whether a value of this type MUST NOT be shown."""
    return any(_secret(base) for base in choices(kind))


def _secret(base: Any) -> bool:
    if any(_is(base, kind) for kind in (Secret, SecretBytes, SecretStr)):
        return True
    return not is_model(base) and any(is_secret(part) for part in get_args(base) if _typed(part))


def _typed(part: Any) -> bool:
    return isinstance(part, type) or get_origin(part) not in (None, Literal)


def options_in(kind: Any) -> dict[str, Any]:
    """Return the types of the options of the models that a value may be, by name."""
    return {
        name: inner
        for base in choices(kind)
        if is_model(base)
        for name, inner in fields_of(base).items()
    }


def inside(kind: Any, step: str | int) -> Any:
    """Return the type of what a value of this type has at a key or an index, None if unknown."""
    for base in choices(kind):
        arguments = get_args(base)
        if isinstance(step, int):
            if _is_list(base) and arguments:
                last = 0 if ... in arguments else len(arguments) - 1
                return arguments[min(step, last)]
        elif is_model(base):
            if step in fields_of(base):
                return fields_of(base)[step]
        elif _is(base, Mapping) and len(arguments) == 2:
            return arguments[1]
    return None


def expected(kind: Any) -> str:
    """Say what a type takes, as in `a list of text`."""
    base, extra = bare(kind)
    told = [each.text for each in extra if isinstance(each, Kind)]
    if told:
        return str(told[-1])
    parts = choices(base)
    if len(parts) > 1:
        return " or ".join(dict.fromkeys(expected(part) for part in parts))
    if parts and parts[0] != base:
        inner = [part for part in get_args(base) if bare(part)[0] is not NoneType]
        return expected(inner[0]) if len(inner) == 1 else expected(parts[0])
    return _one(base)


def _one(base: Any) -> str:
    arguments = get_args(base)
    if get_origin(base) is Literal:
        return " or ".join(json.dumps(value) for value in arguments)
    if is_model(base):
        return "a map of options"
    if _is(base, Enum):
        return " or ".join(json.dumps(member.value, default=str) for member in base)
    if _is(base, Mapping):
        return f"a map of {_many(arguments[1])}" if arguments else "a map"
    if _is_list(base):
        return f"a list of {_many(arguments[0])}" if arguments else "a list"
    if _is(base, PurePath):
        return "a path"
    return _WORDS.get(base) or _named(base)


def _many(kind: Any) -> str:
    text = expected(kind)
    for one in ("list", "map", "name"):
        text = text.replace(f"a {one} of", f"{one}s of")
    return _MANY.get(expected(kind), text)


def _named(base: Any) -> str:
    name = getattr(base, "__name__", str(base))
    if name.endswith(("Url", "Dsn")):
        return "a URL"
    return next((_WORDS[kind] for kind in _WORDS if _kin(base, kind)), name)


def _kin(base: Any, kind: Any) -> bool:
    return isinstance(kind, type) and kind is not object and _is(base, kind)
