"""Finds the contracts of a plugin: where its fake upstream lives, or beside the source itself."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.source import Source
from connectors_core.testing.contract import SourceContract


def contracts_of(source: type[Source[Any]]) -> list[type[SourceContract]]:
    """Return the contracts that a source ships, by its name. Raises ConfigError if there is none.

    A file of a package that is given as an inline plugin is another module than the package's.
    """
    module = _module(source)
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, SourceContract)
        and getattr(getattr(each, "source", None), "name", None) == source.name
    ]
    if not found:
        raise ConfigError(
            f"{source.name}: there is no contract in {module.__name__}. Add one there:"
            f" class Contract(SourceContract): source = {source.__name__}; upstream = Upstream;"
            " capabilities = {…}.",
            code="contract.missing",
        )
    return found


def _module(source: type[Source[Any]]) -> ModuleType:
    if source.testing is None:
        return sys.modules[source.__module__]
    try:
        return import_module(source.testing)
    except ImportError as error:
        raise ConfigError(
            f"{source.name}: its `testing` module {source.testing!r} can't be imported: {error}.",
            code="contract.missing",
        ) from error
