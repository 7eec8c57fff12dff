"""pyconnect: source connectors in the manner of Kafka Connect, in pure Python.

These are the plugin author's words; they load on first use, so that `pyconnect --help` does not
wait for what it does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_core.api.config import Config
    from connectors_core.api.converter import Converter
    from connectors_core.api.errors import (
        ConfigError,
        DataError,
        OffsetError,
        PyconnectError,
        Retry,
    )
    from connectors_core.api.hooks import hookimpl
    from connectors_core.api.record import Batch, Offset, Partition, Record, Reject
    from connectors_core.api.schema import Schema
    from connectors_core.api.source import Source, State
    from connectors_core.api.transform import Predicate, Transform
    from connectors_core.runtime.merge import every, merge

_HOMES = {
    "api.config": ("Config",),
    "api.converter": ("Converter",),
    "api.errors": ("ConfigError", "DataError", "OffsetError", "PyconnectError", "Retry"),
    "api.hooks": ("hookimpl",),
    "api.record": ("Batch", "Offset", "Partition", "Record", "Reject"),
    "api.schema": ("Schema",),
    "api.source": ("Source", "State"),
    "api.transform": ("Predicate", "Transform"),
    "runtime.merge": ("every", "merge"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Batch",
    "Config",
    "ConfigError",
    "Converter",
    "DataError",
    "Offset",
    "OffsetError",
    "Partition",
    "Predicate",
    "PyconnectError",
    "Record",
    "Reject",
    "Retry",
    "Schema",
    "Source",
    "State",
    "Transform",
    "every",
    "hookimpl",
    "merge",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
