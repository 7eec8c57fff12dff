"""Where a plugin comes from: an entry point, an inline file, or pyconnect itself."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from connectors_core.discovery.failure import Mistake

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "pyconnect"
BUILT_IN = "connectors-core"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin as listed. `kind` is None as long as it was not imported.

    `distribution` is what stands before the colon in `dist:name`; `where` is a module or a file.
    """

    name: str
    distribution: str
    version: str
    kind: str | None
    where: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """A plugin before it is imported. `name` is None where only the import tells the names."""

    name: str | None
    distribution: str
    version: str
    where: str
    source: EntryPoint | Path | ModuleType | str

    def __str__(self) -> str:
        return f"{self.distribution}:{self.name}" if self.name else self.where

    def load(self) -> Any:
        """Import the plugin and return its module or object. Raises whatever that raises."""
        if isinstance(self.source, str):
            return importlib.import_module(self.source)
        if isinstance(self.source, Path):
            return _inline(self.source)
        return self.source if isinstance(self.source, ModuleType) else self.source.load()


def plain(distribution: str) -> str:
    """Return a distribution's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def installed(distributions: Iterable[Distribution] | None = None) -> Iterator[Origin]:
    """Give the entry points of the group; reads metadata only, imports no plugin.

    A distribution whose metadata can't be read is passed over: it can't name its plugins. The
    first of two distributions of one name counts, as for the import system.
    """
    # Imported here: it costs 38 ms, which a command without plugins does not owe.
    from importlib.metadata import distributions as found

    seen: set[str] = set()
    for distribution in found() if distributions is None else distributions:
        entries = _entries(distribution)
        if not entries:
            continue
        name = str(distribution.metadata["Name"] or "unknown")
        if plain(name) not in seen:
            seen.add(plain(name))
            for entry in entries:
                yield Origin(entry.name, name, distribution.version, entry.value, entry)


def _entries(distribution: Distribution) -> list[EntryPoint]:
    try:
        return [entry for entry in distribution.entry_points if entry.group == GROUP]
    except Exception:
        return []


def inline(files: Iterable[Path]) -> Iterator[Origin]:
    """Give the inline plugin files, each once. None is read yet."""
    for file in dict.fromkeys(files):
        yield Origin(None, file.name, "", str(file), file)


def built_in(modules: Iterable[ModuleType | str]) -> Iterator[Origin]:
    """Give pyconnect's own plugins."""
    for module in modules:
        where = module if isinstance(module, str) else module.__name__
        yield Origin(None, BUILT_IN, "", where, module)


def _inline(file: Path) -> ModuleType:
    """Run a file as a module of a private name. It is compiled anew: no stale bytecode, no cache
    directory beside the user's file."""
    if not file.is_file():
        raise Mistake("there is no such file. Check the path given to --plugin.", str(file))
    path = str(file.resolve())
    name = f"_pyconnect_inline_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    loader = importlib.machinery.SourceFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pydantic look a class's module up while it runs.
    sys.modules[name] = module
    try:
        exec(loader.source_to_code(file.read_bytes(), path), module.__dict__)  # noqa: S102 - it is a plugin
    except BaseException:
        del sys.modules[name]
        raise
    return module
