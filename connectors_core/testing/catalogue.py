"""OneSource: a catalogue in which one source class stands beside the built-ins."""

from __future__ import annotations

from typing import Any

from connectors_core.api.converter import Converter
from connectors_core.api.source import Source
from connectors_core.api.transform import Predicate, Transform
from connectors_core.app.plugins import build_catalogue


class OneSource:
    """Finds the source by any name, and everything else as a worker would."""

    def __init__(self, source: type[Source[Any]]) -> None:
        self._source = source
        self._others = build_catalogue(())

    def source(self, name: str) -> type[Source[Any]]:
        """Return the one source, whatever the name."""
        return self._source

    def transform(self, name: str) -> type[Transform[Any]]:
        """Return a transform class."""
        return self._others.transform(name)

    def predicate(self, name: str) -> type[Predicate[Any]]:
        """Return a predicate class."""
        return self._others.predicate(name)

    def converter(self, name: str) -> type[Converter]:
        """Return a converter class."""
        return self._others.converter(name)
