"""The composition root: the only place that knows all the others."""

from __future__ import annotations

from connectors_core.app.control import control
from connectors_core.app.decoding import decoder
from connectors_core.app.plugins import build_catalogue, load
from connectors_core.app.running import RunOptions, run
from connectors_core.app.storage import check_store, open_reader, open_store

__all__ = [
    "RunOptions",
    "build_catalogue",
    "check_store",
    "control",
    "decoder",
    "load",
    "open_reader",
    "open_store",
    "run",
]
