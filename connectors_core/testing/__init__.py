"""What a plugin author tests with: the contract of a source, fake upstreams, contexts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_core.testing.clock import VirtualClock
    from connectors_core.testing.context import MemoryContext
    from connectors_core.testing.contract import SourceContract
    from connectors_core.testing.files import FileUpstream
    from connectors_core.testing.gate import Gate
    from connectors_core.testing.http import HttpUpstream
    from connectors_core.testing.request import Request
    from connectors_core.testing.response import Response
    from connectors_core.testing.sse import event, event_stream
    from connectors_core.testing.websocket import WebSocketUpstream

_HOMES = {
    "FileUpstream": "files",
    "Gate": "gate",
    "HttpUpstream": "http",
    "MemoryContext": "context",
    "Request": "request",
    "Response": "response",
    "SourceContract": "contract",
    "VirtualClock": "clock",
    "WebSocketUpstream": "websocket",
    "event": "sse",
    "event_stream": "sse",
}

__all__ = [
    "FileUpstream",
    "Gate",
    "HttpUpstream",
    "MemoryContext",
    "Request",
    "Response",
    "SourceContract",
    "VirtualClock",
    "WebSocketUpstream",
    "event",
    "event_stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
