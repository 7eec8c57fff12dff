"""Checks options against a pydantic model: strictly, all mistakes at once, each with its line.

Strict as JSON is: no number becomes text and no text a number, but ISO dates, paths and decimals
are read from text. Only what one `${...}` gave whole may become a number, true or false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors_core.configs.kind import expected, inside, is_list, is_secret, options_in
from connectors_core.configs.near import did_you_mean
from connectors_core.configs.notation import Problems
from connectors_core.configs.providers import Provided
from connectors_core.configs.scalar import scalar
from connectors_core.configs.sentence import Wrong
from connectors_core.configs.tree import TOP, List, Map, Mark

M = TypeVar("M", bound=BaseModel)
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Options that are checked together: how they are called, and what else could be meant.

    `prefix` stands before a name (`transforms.a.`). `others` are names that an unknown one may
    have meant beside the model's own. `mark` is where a missing option is reported. `given` holds
    what MUST NOT be shown, with what to show instead. `listing` is the command that lists options.
    """

    problems: Problems
    prefix: str = ""
    others: Iterable[str] = ()
    mark: Mark = TOP
    given: Mapping[str, str] = field(default_factory=dict)
    listing: str = "`pyconnect plugins` lists what there is."


def validate(model: type[M], values: Map, section: Section) -> M | None:
    """Return the model, or None if there are problems, which are added."""
    try:
        made, errors = _try(model, values)
    except Exception as error:  # noqa: BLE001 - a plugin's validator may raise anything
        said = redacted(f"{type(error).__name__}: {error}", section.given)
        section.problems.add(section.mark, f"{model.__name__} can't check its options: {said}")
        return None
    if made is not None:
        return made
    numbered = _numbered(values, errors)
    if numbered:
        again, left = _try(model, _with(values, numbered))
        if again is not None:
            return again
        errors = _of_both(values, errors, left, numbered)
    _report(model, values, errors, section)
    return None


def _try(model: type[M], values: Any) -> tuple[M | None, list[ErrorDetails]]:
    # The error is not kept as a cause: it holds the values, secrets among them (invariant 9).
    try:
        return model.model_validate_json(json.dumps(values), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _path(values: Any, location: Iterable[str | int]) -> _Path:
    """Return the part of an error's location that is in the values: the rest names types."""
    path: list[str | int] = []
    for step in location:
        found = isinstance(values, dict) and step in values
        if found or (isinstance(values, list) and isinstance(step, int) and step < len(values)):
            values = values[step]
            path.append(step)
    return tuple(path)


def _at(values: Any, path: _Path) -> Any:
    for step in path:
        values = values[step]
    return values


def _numbered(values: Map, errors: list[ErrorDetails]) -> dict[_Path, Any]:
    """Return the numbers and truth values that were refused as text that one provider gave."""
    found: dict[_Path, Any] = {}
    for path in {_path(values, error["loc"]) for error in errors}:
        value = _at(values, path)
        if isinstance(value, Provided) and value.whole and not value.failed:
            try:
                number = scalar(value.strip())
            except ValueError:
                continue
            if number is not None and not isinstance(number, str):
                found[path] = number
    return found


def _with(value: Any, new: Mapping[_Path, Any], path: _Path = ()) -> Any:
    if path in new:
        return new[path]
    if isinstance(value, dict):
        return {key: _with(inner, new, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, new, (*path, n)) for n, inner in enumerate(value)]
    return value


def _of_both(
    values: Map, first: list[ErrorDetails], second: list[ErrorDetails], numbered: Iterable[_Path]
) -> list[ErrorDetails]:
    """Return what is still wrong; where a number did not help either, as it was first said."""
    still = {_path(values, error["loc"]) for error in second}
    kept = [error for error in second if _path(values, error["loc"]) not in numbered]
    return kept + [
        error
        for error in first
        if (path := _path(values, error["loc"])) in numbered and path in still
    ]


def _report(model: Any, values: Map, errors: list[ErrorDetails], section: Section) -> None:
    told: set[_Path] = set()
    for error in errors:
        if error["type"] in ("missing", "extra_forbidden"):
            _name_problem(model, values, error, section)
            continue
        path = _path(values, error["loc"])
        # A union gives one error for each alternative: one sentence says them all.
        if path not in told and not _failed(_at(values, path)):
            told.add(path)
            _value_problem(model, values, path, error, section)


def _failed(value: Any) -> bool:
    return isinstance(value, Provided) and value.failed


def _name_problem(model: Any, values: Map, error: ErrorDetails, section: Section) -> None:
    """Note a key that is missing or unknown."""
    last = str(error["loc"][-1])
    path = _path(values, error["loc"][:-1])
    kind = _kind(model, path)
    if error["type"] == "missing":
        name = _dotted(section.prefix, (*path, last))
        takes = expected(inside(kind, last)) if kind is not None else "a value"
        mark = _mark(values, path) if path else section.mark
        section.problems.add(mark, f"{name}: is required. It takes {takes}.")
        return
    known = [*options_in(kind), *(() if path else section.others)]
    name = _dotted(section.prefix, (*path, last))
    cure = did_you_mean(last, known, section.listing)
    mark = _mark(values, (*path, last))
    section.problems.add(mark, f"{name}: unknown option. {cure}", "config.unknown")


def _value_problem(
    model: Any, values: Map, path: _Path, error: ErrorDetails, section: Section
) -> None:
    kind, value, mark = _kind(model, path), _at(values, path), _mark(values, path)
    whole = _kind(model, path[:-1])
    if path and isinstance(path[-1], int) and is_list(whole) and _of_type(error):
        # An item of the wrong type: the list is what the user knows by name.
        path, kind = path[:-1], whole
    wrong = Wrong(value, mark, kind, error["type"], dict(error.get("ctx", {})), error["msg"])
    given = dict(section.given)
    if is_secret(kind) and isinstance(value, str):
        given.setdefault(value, "***")
    name = _dotted(section.prefix, path)
    text = redacted(wrong.sentence(), given) if not _of_type(error) else wrong.sentence()
    section.problems.add(mark, f"{name}: {text}" if name else text)


def _of_type(error: ErrorDetails) -> bool:
    return error["type"].endswith("_type") or error["type"] in ("int_from_float", "is_instance_of")


def redacted(text: str, given: Mapping[str, str]) -> str:
    """Return a text without the values that MUST NOT be shown."""
    spelt = {
        each: instead
        for value, instead in given.items()
        for each in (value, repr(value)[1:-1], json.dumps(value)[1:-1])
        if each
    }
    if not spelt:
        return text
    longest_first = sorted(spelt, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: spelt[found[0]], text)


def _kind(model: Any, path: _Path) -> Any:
    kind = model
    for step in path:
        kind = inside(kind, step) if kind is not None else None
    return kind


def _mark(values: Any, path: _Path) -> Mark:
    mark = TOP
    for step in path:
        if isinstance(values, Map | List):
            mark = values.marks[step]  # type: ignore[index]
            values = values[step]  # type: ignore[index]
    return mark


def _dotted(prefix: str, path: _Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return prefix + text if text else prefix.rstrip(".")
