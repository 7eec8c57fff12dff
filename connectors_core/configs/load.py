"""Reads connector files: all of them, all mistakes at once, nothing half right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.configs.connector import Reading
from connectors_core.configs.model import ConnectorConfig, Plugins
from connectors_core.configs.notation import Problems, separate
from connectors_core.configs.providers import Providers
from connectors_core.configs.tree import Map
from connectors_core.configs.yaml import read


def load(
    paths: Sequence[Path], catalogue: Plugins, providers: Providers | None = None
) -> list[ConnectorConfig]:
    """Return the connectors of these files, in their order. Blocking.

    Raises one ConfigError with every problem of every file, each with file and line.
    """
    if not paths:
        raise ConfigError("no connector file given. Name some, as in connectors.d/*.yaml.")
    providers = providers or Providers()
    problems: list[ConfigError] = []
    made: list[ConnectorConfig] = []
    seen: dict[str, str] = {}
    for path in paths:
        notes = Problems(str(path))
        try:
            raw = read(path)
        except ConfigError as error:
            problems.append(error)
            continue
        connector = Reading(path, catalogue, providers, notes).connector(raw)
        _once(raw, path, connector, seen, notes)
        problems.extend(_in_order(notes))
        if connector is not None:
            made.append(connector)
    if problems:
        raise ConfigError.of(problems)
    return made


def again(
    connector: ConnectorConfig,
    catalogue: Plugins,
    *,
    overlay: Mapping[str, Any] | None = None,
    providers: Providers | None = None,
) -> ConnectorConfig:
    """Return the same connector with its secrets resolved anew, as at a restart. Blocking.

    `overlay` has plugin options that take the place of the file's. Raises ConfigError as `load`.
    """
    notes = Problems(str(connector.path))
    reading = Reading(connector.path, catalogue, providers or Providers(), notes)
    made = reading.connector(connector.raw, overlay)
    if made is None:
        raise ConfigError.of(_in_order(notes))
    return made


def _in_order(notes: Problems) -> list[ConfigError]:
    return sorted(notes.found, key=lambda problem: int(problem.place.rpartition(":")[2]))


def _once(
    raw: Map,
    path: Path,
    connector: ConnectorConfig | None,
    seen: dict[str, str],
    notes: Problems,
) -> None:
    """Note a name that another file has: offsets are kept under it."""
    framework, _ = separate(raw, Problems(str(path)))
    mark = framework.mark("name")
    name = connector.name if connector else str(framework.get("name", path.stem))
    here = f"{path}:{mark.line}"
    if name not in seen:
        seen[name] = here
        return
    other = seen[name]
    if other.rpartition(":")[0] == str(path):
        notes.add(mark, "this file is given twice: name it once.")
    else:
        notes.add(
            mark, f"name: {name!r} is also the name of {other}. Names are unique: change one."
        )
