"""Reads `worker.yaml`: the same YAML, notation and providers as in connectors' files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.configs.near import did_you_mean
from connectors_core.configs.notation import Problems, aliases
from connectors_core.configs.properties import PROPERTIES
from connectors_core.configs.providers import Provided, Providers
from connectors_core.configs.sentence import shown
from connectors_core.configs.tree import Map, Mark
from connectors_core.configs.validate import Section, validate
from connectors_core.configs.worker.client import Said
from connectors_core.configs.worker.options import WorkerOptions
from connectors_core.configs.yaml import read

_KAFKA = "kafka."


class WorkerFile:
    """A worker's file, read. Blocking; raises ConfigError if it is no YAML map.

    Secrets are resolved when they are asked for; `problems` then has what is wrong.
    """

    def __init__(self, path: Path, providers: Providers) -> None:
        self.path = path
        self._providers = providers
        self._notes = Problems(str(path))
        raw = read(path, example="kafka.bootstrap.servers: HOST:PORT")
        self._given = Map()
        for name, value, mark in _leaves(raw, ""):
            self._notes.put(self._given, name, value, mark)

    @property
    def problems(self) -> list[ConfigError]:
        """What is wrong."""
        return self._notes.found

    def options(self) -> WorkerOptions:
        """Return the settings beside `kafka`; the defaults if one of them is wrong."""
        values = Map()
        for name, value in self._given.items():
            if name in _settings():
                values.put(name, value, self._given.marks[name])
            elif not name.startswith(_KAFKA):
                self._unknown(name)
        values = self._providers.resolve(values, self._notes)
        section = Section(self._notes, given=self._providers.given)
        return validate(WorkerOptions, values, section) or WorkerOptions()

    def client(self) -> dict[str, Said]:
        """Return the properties of Kafka's client as they are written, secrets resolved."""
        given = Map()
        for name, value in self._given.items():
            if name.startswith(_KAFKA):
                given.put(name, value, self._given.marks[name])
        resolved = self._providers.resolve(given, self._notes)
        made: dict[str, Said] = {}
        for name, value in resolved.items():
            text = self._text(name, value, resolved.marks[name])
            if text is not None:
                place = f"{self.path}:{resolved.marks[name].line}"
                template = value.template if isinstance(value, Provided) else ""
                made[name.removeprefix(_KAFKA)] = Said(text, place, name, template)
        return made

    def _text(self, name: str, value: Any, mark: Mark) -> str | None:
        """Return a value as the client takes it, None with the problem noted."""
        if isinstance(value, Provided) and value.failed:
            return None  # told by the provider
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int | float):
            return mark.text or str(value)
        takes = "must be text, with commas if it is a list" if value is not None else "has no value"
        got = f", got {shown(value, mark)}" if value is not None else ""
        self._notes.add(mark, f"{name}: {takes}{got}.")
        return None

    def _unknown(self, name: str) -> None:
        mark = self._given.marks[name]
        if name == "kafka":
            self._notes.add(mark, "kafka: must be a map. Write kafka.bootstrap.servers: HOST:PORT.")
            return
        if name in PROPERTIES:
            cure = f"Write kafka.{name}."
        elif name in aliases():
            cure = "It belongs into a connector's file, and this is the worker's."
        else:
            known = {"kafka.bootstrap.servers", *_settings()}
            cure = did_you_mean(name, known, f"There are {', '.join(('kafka.*', *_settings()))}.")
        self._notes.add(mark, f"{name}: unknown setting. {cure}", "config.unknown")


@lru_cache(maxsize=1)
def _settings() -> tuple[str, ...]:
    fields = WorkerOptions.model_fields
    return tuple(field.alias for field in fields.values() if field.alias)


def _leaves(values: Map, prefix: str) -> Iterator[tuple[str, Any, Mark]]:
    for key, value in values.items():
        if isinstance(value, Map) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, values.marks[key]
