"""The composition root: the only place that knows all the others."""

from __future__ import annotations

from connectors_core.app.control import control
from connectors_core.app.decoding import decoder
from connectors_core.app.plugins import build_catalogue, load
from connectors_core.app.running import RunOptions, run
from connectors_core.app.storage import (
    check_producers,
    check_store,
    find_data_dir,
    find_place,
    open_reader,
    owned_store,
    require_cluster,
)
from connectors_core.configs.worker.place import Asked, KafkaPlace, LogPlace

__all__ = [
    "Asked",
    "KafkaPlace",
    "LogPlace",
    "RunOptions",
    "build_catalogue",
    "check_producers",
    "check_store",
    "control",
    "decoder",
    "find_data_dir",
    "find_place",
    "load",
    "open_reader",
    "owned_store",
    "require_cluster",
    "run",
]
