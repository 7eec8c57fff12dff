"""What a connector's file comes to: classes found, options checked, nothing running yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.converter import Converter
from connectors_core.api.source import Source
from connectors_core.api.transform import Predicate, Transform
from connectors_core.configs.tree import Map


class Plugins(Protocol):
    """Finds plugin classes by `name` or `dist:name`. Every call raises ConfigError, without a
    place, for what is unknown, claimed twice or broken."""

    def source(self, name: str) -> type[Source[Any]]:
        """Return a source class."""
        ...

    def transform(self, name: str) -> type[Transform[Any]]:
        """Return a transform class."""
        ...

    def predicate(self, name: str) -> type[Predicate[Any]]:
        """Return a predicate class."""
        ...

    def converter(self, name: str) -> type[Converter]:
        """Return a converter class."""
        ...


@dataclass(frozen=True, slots=True)
class PredicateConfig:
    """A predicate under its alias."""

    alias: str
    predicate: type[Predicate[Any]]
    config: Config = field(repr=False)


@dataclass(frozen=True, slots=True)
class TransformConfig:
    """A transform under its alias, with the predicate (if any) that says where it applies."""

    alias: str
    transform: type[Transform[Any]]
    config: Config = field(repr=False)
    predicate: PredicateConfig | None = None
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ConverterConfig:
    """A converter by its name. `config` is None for one that has no `config_class`."""

    name: str
    converter: type[Converter]
    config: Config | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """One connector, checked. `raw` is the file as written, templates unresolved, with its lines.

    Invariant 9: what may hold secrets is not in the repr.
    """

    path: Path
    options: ConnectorOptions
    source: type[Source[Any]]
    config: Config = field(repr=False)
    transforms: Sequence[TransformConfig]
    key_converter: ConverterConfig
    value_converter: ConverterConfig
    raw: Map = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.options.name
