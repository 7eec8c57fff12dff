"""Options as the CLI and the reference show them, and a file to start from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.source import Source
from connectors_core.configs.kind import (
    choices,
    expected,
    is_model,
    is_secret,
    key_of,
    type_of,
)


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option. `default` is YAML, "" for a required one; a secret's is not told."""

    name: str
    type: str
    default: str
    required: bool
    description: str
    secret: bool


def describe(model: type[BaseModel]) -> list[OptionInfo]:
    """Return the options of a model; those of models within it by their dotted names."""
    return list(_options(model, "", (model,)))


def framework_options() -> list[OptionInfo]:
    """Return every option of the framework, by the name it has in a file."""
    return [_option(name, field) for name, field in _fields(ConnectorOptions)]


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield key_of(name, field), field


def _options(model: type[BaseModel], prefix: str, above: tuple[Any, ...]) -> Iterator[OptionInfo]:
    for name, field in _fields(model):
        inner = [base for base in choices(type_of(field)) if is_model(base)]
        # A model that holds itself is told once.
        if len(inner) == 1 and inner[0] not in above:
            yield from _options(inner[0], f"{prefix}{name}.", (*above, inner[0]))
        else:
            yield _option(prefix + name, field)


def _option(name: str, field: Any) -> OptionInfo:
    kind = type_of(field)
    secret = is_secret(kind)
    return OptionInfo(
        name=name,
        type=expected(kind),
        default="" if secret or field.is_required() else _yaml(_default(field)),
        required=field.is_required(),
        description=" ".join((field.description or "").split()),
        secret=secret,
    )


def _default(field: Any) -> Any:
    value = field.get_default(
        call_default_factory=field.default_factory_takes_validated_data is not True
    )
    return None if value is PydanticUndefined else value


def _yaml(value: Any) -> str:
    """Return a value as YAML of one line; JSON is YAML 1.2."""
    return json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)


def skeleton(source: type[Source[Any]]) -> str:
    """Return a connector file with every option; those that have a default are comments."""
    lines = [f"# {line}".rstrip() for line in (source.__doc__ or "").strip().splitlines()[:1]]
    lines += [f"connector.class: {source.name}", ""]
    model = source.config_class()
    for option in describe(model):
        lines += _lines(option)
    for option in framework_options():
        if option.name != "connector.class":
            lines += _lines(option, given=option.name == "name")
    return "\n".join(lines)


def _lines(option: OptionInfo, given: bool = False) -> Iterator[str]:
    needed = option.required and not given
    about = f" {option.description}" if option.description else ""
    yield f"#{about} Takes {option.type}.{' REQUIRED.' if needed else ''}"
    if needed:
        yield f"{option.name}:"
    elif option.secret:
        yield f"# {option.name}: ${{env:{option.name.upper().replace('.', '_')}}}"
    else:
        yield f"# {option.name}: {option.default or 'my-connector'}"
    yield ""
