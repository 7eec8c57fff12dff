"""The pluggy hooks through which plugins, built-in ones too, say what they bring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

from connectors_core.api.converter import Converter
from connectors_core.api.source import Source
from connectors_core.api.transform import Predicate, Transform

if TYPE_CHECKING:
    import click

    from connectors_core.api.store import Store

PROJECT = "pyconnect"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pyconnect_sources() -> Iterable[type[Source[Any]]]:  # type: ignore[empty-body]
    """Return source classes; the entry point's name is the name of the first."""


@hookspec
def pyconnect_transforms() -> Iterable[type[Transform[Any] | Predicate[Any]]]:  # type: ignore[empty-body]
    """Return transform and predicate classes."""


@hookspec
def pyconnect_converters() -> Iterable[type[Converter]]:  # type: ignore[empty-body]
    """Return converter classes."""


@hookspec
def pyconnect_stores() -> Iterable[type[Store]]:  # type: ignore[empty-body]
    """Return store classes."""


@hookspec
def pyconnect_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Return commands to stand beside `pyconnect run`."""
