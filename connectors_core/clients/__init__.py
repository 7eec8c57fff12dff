"""What a plugin asks a service with: clients whose errors are those of the contract.

HttpClient needs the package `httpx`, WebSocketClient `websockets`: a plugin that uses one depends on
it. They load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_core.clients.config import HttpConfig, WebSocketConfig
    from connectors_core.clients.http import Answer, HttpClient
    from connectors_core.clients.websocket import WebSocketClient

_HOMES = {
    "Answer": "http",
    "HttpClient": "http",
    "HttpConfig": "config",
    "WebSocketClient": "websocket",
    "WebSocketConfig": "config",
}

__all__ = ["Answer", "HttpClient", "HttpConfig", "WebSocketClient", "WebSocketConfig"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
