"""What a plugin author tests with: the contract of a source, fake upstreams, contexts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_core.testing.clock import VirtualClock
    from connectors_core.testing.context import MemoryContext
    from connectors_core.testing.contract import SourceContract
    from connectors_core.testing.upstream.files import FileUpstream
    from connectors_core.testing.upstream.gate import Gate
    from connectors_core.testing.upstream.http import HttpUpstream
    from connectors_core.testing.upstream.request import Request
    from connectors_core.testing.upstream.response import Response
    from connectors_core.testing.upstream.sse import event, event_stream
    from connectors_core.testing.upstream.websocket import WebSocketUpstream

_HOMES = {
    "FileUpstream": "upstream.files",
    "Gate": "upstream.gate",
    "HttpUpstream": "upstream.http",
    "MemoryContext": "context",
    "Request": "upstream.request",
    "Response": "upstream.response",
    "SourceContract": "contract",
    "VirtualClock": "clock",
    "WebSocketUpstream": "upstream.websocket",
    "event": "upstream.sse",
    "event_stream": "upstream.sse",
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
