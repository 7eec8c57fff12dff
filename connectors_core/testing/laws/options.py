"""Laws of options: described, and every mistake in them told with the option's name."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel

from connectors_core.api.config import Kind
from connectors_core.api.errors import ConfigError
from connectors_core.configs.kind import (
    bare,
    choices,
    expected,
    fields_of,
    is_model,
    is_secret,
    type_of,
)
from connectors_core.configs.load import load
from connectors_core.testing.catalogue import OneSource
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.trial import Trial

_SECRET_NAMES = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|credentials?|api_?key|app_?key|private_?key|"
    r"access_?key)(_|$)"
)
_TEXTS, _NUMBERS = ("text", "path", "URL", "name"), ("number", "true or false")
_BOUNDS = {"ge": -1, "gt": 0, "le": 1, "lt": 0}


@law()
async def options_are_described(trial: Trial) -> None:
    """Every option has a description.

    It is what `pyconnect plugins show` and the reference print; without one a user has to read the
    source.

    Give each field of the Config, and of the models in it, `Field(..., description="…")`.
    """
    for model in _models(trial.source.config_class()):
        for name, field in model.model_fields.items():
            require(field.description, f"{model.__name__}.{name} has no description.")


@law()
async def required_options_are_named(trial: Trial) -> None:
    """A required option that is missing is named in the error.

    A source that starts without what it needs fails later, at a place that says nothing of it.

    Leave defaults out of required fields, and fill in none in a validator.
    """
    fields = trial.source.config_class().model_fields
    required = [field.alias or name for name, field in fields.items() if field.is_required()]
    if not required:
        raise NotApplicable("no option is required")
    options = await _options(trial)
    for name in required:
        rest = {key: value for key, value in options.items() if key != name}
        _require_problem(trial, rest, name, f"without the required option {name}")


@law()
async def wrong_types_are_refused(trial: Trial) -> None:
    """A value of the wrong type is refused, with the name of the option.

    What is taken in silence is read as something else than the user has written (invariant 6).

    Declare types; convert nothing in `mode="before"` validators that can't be told apart.
    """
    options, tried = await _options(trial), 0
    right = list(_problems(trial, options))
    require(not right, f"the options of the upstream's config() are refused: {'; '.join(right)}")
    for name, kind in fields_of(trial.source.config_class()).items():
        for wrong in _wrong_for(kind):
            _require_problem(trial, {**options, name: wrong}, name, f"with {name}: {wrong!r}")
            tried += 1
    if not tried:
        raise NotApplicable("its options take any value")


@law()
async def unknown_options_are_refused(trial: Trial) -> None:
    """An option that the source does not know is an error.

    A misspelt option that is ignored leaves the default in place, and nobody sees it.

    Keep `extra="forbid"`, which Config has.
    """
    options = await _options(trial)
    name = "an_option_that_nobody_has"
    _require_problem(trial, {**options, name: 1}, name, f"with {name}: 1")


@law()
async def bounds_are_kept(trial: Trial) -> None:
    """A number outside the bounds that are declared for it is refused.

    A bound that is not enforced is a promise in the reference that does not hold.

    Declare `ge`, `gt`, `le` and `lt`, and don't clamp in a validator.
    """
    options = await _options(trial)
    seen = False
    for name, field in trial.source.config_class().model_fields.items():
        for wrong in _outside(field.metadata):
            seen = True
            key = field.alias or name
            _require_problem(trial, {**options, key: wrong}, key, f"with {key}: {wrong!r}")
    if not seen:
        raise NotApplicable("no option has bounds")


@law()
async def secrets_are_marked(trial: Trial) -> None:
    """An option whose name is that of a secret is a SecretStr.

    Only what is marked is kept out of errors, logs and status (invariant 9).

    Declare it as `SecretStr`; an option that is no secret needs another name, or a waiver.
    """
    for model in _models(trial.source.config_class()):
        for name, field in model.model_fields.items():
            if _SECRET_NAMES.search(name.lower()) and _is_text(field):
                require(
                    is_secret(type_of(field)),
                    f"{model.__name__}.{name} holds a secret by its name. Make it a SecretStr.",
                )


def _is_text(field: Any) -> bool:
    kinds = choices(type_of(field))
    return any(kind in (str, bytes) or is_secret(kind) for kind in kinds)


async def _options(trial: Trial) -> dict[str, Any]:
    """Return options that are right, as a file would have them."""
    async with trial.upstream() as far:
        return trial.options(far)


def _require_problem(trial: Trial, options: Mapping[str, Any], name: str, when: str) -> None:
    problems = list(_problems(trial, options))
    require(problems, f"{when}, nothing is wrong. It must be refused.")
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    require(any(map(word.search, problems)), f"{when}, the error does not name it: {problems[0]}")


def _problems(trial: Trial, options: Mapping[str, Any]) -> Iterator[str]:
    """Give what `pyconnect check` says of a file with these options."""
    with tempfile.TemporaryDirectory(prefix="pyconnect-contract-") as folder:
        file = Path(folder, "contract.yaml")
        lines = {"connector.class": trial.source.name, **options}
        file.write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in lines.items()))
        try:
            load([file], OneSource(trial.source))
        except ConfigError as error:
            yield from (problem.message for problem in error.problems)
        except Exception as error:
            raise Broken(
                f"{sorted(options)}: the check itself fails with {type(error).__name__}: {error}."
                " A validator raises ValueError for what is wrong."
            ) from error


def _wrong_for(kind: Any) -> Iterator[Any]:
    """Give values that no alternative of the type can take, if there are some to find."""
    said = _said(kind)
    if "any value" in said or "map" in said:
        return
    yield {"wrong": ["type"]}
    if "list" in said:
        return
    yield [["wrong", "type"]]
    takes_text = any(each in said for each in _TEXTS)
    if not takes_text:
        yield "wrong type"
    elif not any(each in said for each in _NUMBERS):
        yield 1.5


def _said(kind: Any) -> str:
    """Return what a type takes in words, without the values that it names: one may be `list`."""
    _, extra = bare(kind)
    if any(isinstance(each, Kind) for each in extra):
        return expected(kind)
    return " or ".join(expected(each) for each in choices(kind) if not _is_of_values(each))


def _is_of_values(base: Any) -> bool:
    return get_origin(base) is Literal or (isinstance(base, type) and issubclass(base, Enum))


def _outside(metadata: Iterable[Any]) -> Iterator[float | int]:
    """Give a value just beyond each bound."""
    for each in metadata:
        for bound, step in _BOUNDS.items():
            limit = getattr(each, bound, None)
            if isinstance(limit, int | float) and not isinstance(limit, bool):
                yield limit + step


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Give a model and the models within it, each once."""
    waiting, seen = [model], {model}
    while waiting:
        each = waiting.pop()
        yield each
        inner = {
            base
            for field in each.model_fields.values()
            for base in choices(type_of(field))
            if is_model(base)
        }
        waiting += sorted(inner - seen, key=lambda kind: kind.__name__)
        seen |= inner


LAWS = (
    options_are_described,
    required_options_are_named,
    wrong_types_are_refused,
    unknown_options_are_refused,
    bounds_are_kept,
    secrets_are_marked,
)
