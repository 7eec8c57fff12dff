"""Finds plugins and loads the files that name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors_core.configs.load import load as load_files
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.providers import Providers
from connectors_core.discovery import Catalogue


def build_catalogue(plugin_files: Sequence[Path]) -> Catalogue:
    """Return what is installed, what is built in, and what these files bring."""
    return Catalogue(builtins=["connectors_core.app.builtins"], files=plugin_files)


def load(
    paths: Sequence[Path], catalogue: Catalogue, providers: Providers | None = None
) -> list[ConnectorConfig]:
    """Return the connectors of these files. Raises one ConfigError with all their mistakes."""
    return load_files(paths, catalogue, providers)
