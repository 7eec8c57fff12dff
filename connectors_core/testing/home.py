"""Home: where a contract is, so that another process finds it."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from connectors_core.api.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Home:
    """Where a class is: importable by name, or else in a file of its own."""

    module: str
    file: str
    name: str


def home_of(cls: type) -> Home:
    """Return where a class is. Raises ConfigError for one that another process can't find."""
    if "<locals>" in cls.__qualname__:
        raise ConfigError(
            f"{cls.__qualname__} is made inside a function, where the child process of a law can't"
            " find it. Define it at the top of its module.",
            code="contract.declaration",
        )
    module = sys.modules.get(cls.__module__)
    return Home(cls.__module__, getattr(module, "__file__", None) or "", cls.__qualname__)


def at(home: Home) -> Any:
    """Import and return what is there."""
    try:
        module = import_module(home.module)
    except ImportError:
        if not home.file:
            raise
        module = _from_file(home)
    found: Any = module
    for name in home.name.split("."):
        found = getattr(found, name)
    return found


def _from_file(home: Home) -> ModuleType:
    spec = importlib.util.spec_from_file_location(home.module, home.file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{home.file} is no module")
    module = sys.modules[home.module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
