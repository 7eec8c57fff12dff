"""The Avro definition of a Python type: models, dataclasses, and plain types inside them."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connectors_core.api.errors import ConfigError
from connectors_core.api.schema_default import default_of, fits
from connectors_core.api.schema_names import NAME, PROPERTY, escape, record_name

MISSING: Any = dataclasses.MISSING
PLAIN: dict[Any, Any] = {
    None: "null",
    type(None): "null",
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    bytes: "bytes",
    datetime.date: {"type": "int", "logicalType": "date"},
    UUID: {"type": "string", "logicalType": "uuid"},
}
_LISTS = (list, tuple, collections.abc.Sequence)
_MAPS = (dict, collections.abc.Mapping)
_INSTANTS = ("timestamp-micros", "timestamp-millis")


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a model or a dataclass: its attribute, the name it is written under, its type.

    `default` is MISSING if there is none.
    """

    attribute: str
    name: str
    annotation: Any
    default: Any = MISSING
    doc: str | None = None


def is_record(annotation: Any) -> bool:
    """Say whether a type is a pydantic model or a dataclass."""
    return isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    )


def members(cls: type[Any]) -> list[Member]:
    """List what is written of a model or a dataclass. Raises ConfigError for unknown names."""
    if issubclass(cls, BaseModel):
        return list(_model_members(cls))
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"{error}. Define the types of its fields at the top of a module.",
            code="config.schema",
            place=f"dataclass {cls.__qualname__}",
        ) from error
    return [_member(one, hints[one.name]) for one in dataclasses.fields(cls)]


def _model_members(cls: type[BaseModel]) -> Iterator[Member]:
    for name, info in cls.model_fields.items():
        if info.exclude:
            continue
        annotation: Any = info.annotation
        for extra in info.metadata:
            annotation = typing.Annotated[annotation, extra]
        yield Member(
            name,
            info.serialization_alias or info.alias or name,
            annotation,
            _factory_default(info.default_factory)
            if info.default_factory
            else (MISSING if info.is_required() else info.default),
            info.description,
        )


def _member(one: dataclasses.Field[Any], annotation: Any) -> Member:
    infos = [extra for extra in _metadata(annotation) if isinstance(extra, FieldInfo)]
    doc = one.metadata.get("description") or next((info.description for info in infos), None)
    default = one.default
    if one.default_factory is not MISSING:
        default = _factory_default(one.default_factory)
    return Member(one.name, one.name, annotation, default, doc)


def _factory_default(factory: Any) -> Any:
    return factory() if factory in (list, dict) else MISSING


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())


def definition_of(annotation: Any) -> Any:
    """Return the Avro definition of a type. Raises ConfigError that names the field."""
    return _Types().of(annotation, "")


@dataclass(slots=True)
class _Types:
    """Walks annotations; `names` says which class took which name."""

    names: dict[str, Any] = field(default_factory=dict)
    definitions: dict[str, Any] = field(default_factory=dict)

    def of(self, annotation: Any, path: str, extras: Iterable[Any] = ()) -> Any:
        annotation, extras = _bare(annotation, tuple(extras))
        if isinstance(annotation, collections.abc.Hashable) and annotation in PLAIN:
            return PLAIN[annotation]
        if annotation is Decimal:
            return _decimal(extras, path)
        if annotation is datetime.datetime:
            units = [extra for extra in extras if extra in _INSTANTS]
            return {"type": "long", "logicalType": units[0] if units else _INSTANTS[0]}
        if is_record(annotation):
            return self._record(annotation, path)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            name = record_name(annotation.__name__)
            return self._values([one.value for one in annotation], name, annotation, path)
        return self._generic(annotation, path)

    def _generic(self, annotation: Any, path: str) -> Any:
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            return [self.of(one, path) for one in arguments]
        if origin is typing.Literal:
            return self._literal(arguments, path)
        if origin in _LISTS and (origin is not tuple or arguments[1:] == (...,)):
            return {"type": "array", "items": self.of(arguments[0], f"{path}[]")}
        if origin in _MAPS and arguments[0] is str:
            return {"type": "map", "values": self.of(arguments[1], f"{path}{{}}")}
        raise _unknown(annotation, path)

    def _literal(self, values: tuple[Any, ...], path: str) -> Any:
        plain = [value.value if isinstance(value, Enum) else value for value in values]
        some = [value for value in plain if value is not None]
        made = self._values(some, path, tuple(values), path) if some else "null"
        return made if len(some) == len(plain) or not some else ["null", made]

    def _values(self, values: list[Any], name: str, owner: Any, path: str) -> Any:
        kinds = {type(value) for value in values}
        if kinds == {str}:
            if not name or not all(NAME.fullmatch(value) for value in values):
                return "string"
            return self._named(
                name, owner, {"type": "enum", "name": name, "symbols": list(values)}, path
            )
        if len(kinds) == 1 and (kind := kinds.pop()) in (int, bool):
            return PLAIN[kind]
        raise _unknown(owner, path, "its values are not all text, or all integers")

    def _named(self, name: str, owner: Any, definition: dict[str, Any], path: str) -> Any:
        if self.names.setdefault(name, owner) != owner:
            raise _unknown(owner, path, f"another type is called {name!r} already; rename one")
        if name in self.definitions:
            return name
        self.definitions[name] = definition
        return definition

    def _record(self, cls: type[Any], path: str) -> Any:
        name = record_name(cls.__name__)
        made: dict[str, Any] = {"type": "record", "name": name}
        if self._named(name, cls, made, path) is not made:
            return name
        if doc := _doc(cls):
            made["doc"] = doc
        made["fields"] = None
        made["fields"] = [self._field(one, name) for one in members(cls)]
        return made

    def _field(self, member: Member, owner: str) -> dict[str, Any]:
        name = escape(member.name)
        made = {"name": name, "type": self.of(member.annotation, f"{owner}.{name}")}
        if member.name != name:
            made[PROPERTY] = member.name
        if member.doc:
            made["doc"] = member.doc
        return with_default(made, member.default, self.definitions)


def with_default(made: dict[str, Any], default: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Give a field its default; the branch that the default belongs to comes first in a union."""
    branches = made["type"] if isinstance(made["type"], list) else [made["type"]]
    if default is MISSING and "null" in branches:
        default = None
    if default is MISSING:
        return made
    for branch in branches:
        resolved = names.get(branch, branch) if isinstance(branch, str) else branch
        try:
            value = default_of(resolved, default)
        except (ValueError, KeyError, TypeError):
            continue
        if fits(resolved, value, names):
            if len(branches) > 1:
                made["type"] = [branch, *(one for one in branches if one is not branch)]
            return made | {"default": value}
    return made


def _bare(annotation: Any, extras: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Take off Annotated, NewType and type aliases; collect what Annotated says."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            extras += _metadata(annotation)
            annotation = annotation.__origin__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation, extras


def _decimal(extras: tuple[Any, ...], path: str) -> dict[str, Any]:
    said = [one for extra in extras for one in (extra, *getattr(extra, "metadata", ()))]
    digits = next((d for one in said if (d := getattr(one, "max_digits", None))), None)
    places = next(
        (p for one in said if (p := getattr(one, "decimal_places", None)) is not None), None
    )
    if digits is not None and places is None:
        raise _unknown(Decimal, path, "max_digits is given; give decimal_places too")
    scale = 18 if places is None else places
    return {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": digits or max(38, scale),
        "scale": scale,
    }


def _doc(cls: type[Any]) -> str | None:
    doc = cls.__dict__.get("__doc__")
    # A dataclass without a docstring is given its signature as one.
    return None if not doc or doc.startswith(f"{cls.__name__}(") else " ".join(doc.split())


def _unknown(annotation: Any, path: str, why: str = "") -> ConfigError:
    name = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    cure = (
        "Use a pydantic model, a dataclass, str, bytes, bool, int, float, Decimal, date, datetime,"
        " UUID, Enum, Literal, or Optional, list[...] or dict[str, ...] of these"
    )
    return ConfigError(
        f"{name} has no Avro form{f': {why}' if why else f'. {cure}'}.",
        code="config.schema",
        place=path or "schema",
    )
