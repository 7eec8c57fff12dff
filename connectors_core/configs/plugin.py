"""Checks the options of one plugin of a connector against its model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, TypeVar

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.errors import ConfigError
from connectors_core.configs.kind import fields_of, is_map
from connectors_core.configs.notation import OPEN, Problems, aliases, groups, nested
from connectors_core.configs.tree import Map, Mark
from connectors_core.configs.validate import Section, validate

T = TypeVar("T")
STEP_NAMES = frozenset({"type", "predicate", "negate"})


@lru_cache(maxsize=1)
def reserved() -> frozenset[str]:
    """Return the names that no option of a source may have."""
    return aliases() | set(ConnectorOptions.model_fields) | set(OPEN)


def found(
    look: Callable[[str], T], name: str, key: str, mark: Mark, problems: Problems
) -> T | None:
    """Return the plugin of that name, or None with the problem noted at its key."""
    try:
        return look(name)
    except ConfigError as error:
        for problem in error.problems:
            problems.add(mark, f"{key}: {problem}", problem.code)
    return None


def clashes(model: type[Config], names: Collection[str]) -> list[str]:
    """Return the options of a model that are called as the framework's are."""
    return [
        option
        for option, kind in fields_of(model).items()
        if option in names or (names is reserved() and option in groups() and is_map(kind))
    ]


def checked(
    cls: Any, plugin: str, values: Map, names: Collection[str], section: Section
) -> Config | None:
    """Return a plugin's options as its model, or None with the problems noted.

    `names` are the framework's, which no option of the plugin may have.
    """
    model: type[Config] = cls.config_class()
    for option in clashes(model, names):
        section.problems.add(
            section.mark,
            f"the plugin {plugin} has an option {option!r}, which is a name of the framework."
            f" Rename {model.__name__}.{option}.",
            "config.clash",
        )
    return validate(model, nested(values, model, section.problems), section)
