"""The playground: the plugins' own fake upstreams, on 127.0.0.1, laid under their connectors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.source import Source

FOLDER = "playground"


def playground_dir(data_dir: Path) -> Path:
    """Return where the playground's data lives: fake cursors must never meet real feeds."""
    return data_dir / FOLDER


class Playground:
    """Runs one fake upstream per connector, on the loop of the caller."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Playground:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def overlay(self, name: str, source: type[Source[Any]]) -> Mapping[str, Any]:
        """Start the source's upstream; return the options that point the connector at it.

        Raises ConfigError for a source that ships none.
        """
        if source.testing is None:
            raise ConfigError(
                f"{name}: the plugin {source.name!r} ships no fake upstream (`testing`), so it"
                " can't run in the playground. Leave its file out, or run without --playground.",
                code="config.playground",
            )
        upstream = await self._stack.enter_async_context(import_module(source.testing).Upstream())
        options: Mapping[str, Any] = upstream.config()
        return options
