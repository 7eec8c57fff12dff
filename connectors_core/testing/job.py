"""Job: what a child process is to do with a source, as JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.testing.plot import Plot


@dataclass(frozen=True, slots=True)
class Home:
    """Where a class is: importable by name, or else in a file of its own."""

    module: str
    file: str
    name: str


@dataclass(frozen=True, slots=True)
class Job:
    """`do` is `run` (a worker on a plot), `schemas` (what the values look like) or `partitions`.

    `options` are the source's. With `count`, a run ends when so many records are stored on the plot,
    by former workers too; else when the source ends. `crash` is what `runtime.crash` is
    armed with, or `count` to count arrivals.
    """

    do: str
    plot: Plot
    options: Mapping[str, Any]
    count: int | None = None
    crash: str = ""

    @classmethod
    def read(cls, text: str | bytes) -> Job:
        """Return the job that `written` wrote."""
        found = json.loads(text)
        return cls(**{**found, "plot": Plot.of(found["plot"])})

    def written(self) -> bytes:
        """Return it as a line of JSON. It may hold secrets."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended: the exit code (-9: killed), the error's text, and what it found."""

    code: int
    text: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)


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
