"""Harm: what a server of HTTP answers under each fault, a handshake of a WebSocket included."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping

from connectors_core.testing.upstream.faults import RETRY_AFTER_SECONDS
from connectors_core.testing.upstream.response import Response

DROP_SECONDS, FOR_EVER = 0.2, 86_400.0


async def _trickle() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(DROP_SECONDS)


def harm(kind: str) -> Response:
    """Return the answer to every request. Raises NotImplementedError for what is no answer."""
    if kind == "half-open":
        return Response(delay=FOR_EVER)
    if kind == "slow":
        return Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", chunks=_trickle())
    if kind == "rate-limited":
        return Response(429, headers={"Retry-After": f"{RETRY_AFTER_SECONDS:.0f}"})
    if kind == "server-error":
        return Response(503, close=True)
    if kind not in _CUT:
        raise NotImplementedError(kind)
    return Response(raw=_CUT[kind], close=True)


_CUT: Mapping[str, bytes] = {
    "reset": b"HTTP/1.1 200 OK\r\nContent-Le",
    "truncated": b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"a": [',
    "garbage": b"\x00\xffno protocol that anybody knows\r\n\r\n",
}


def reset(connection: socket.socket) -> None:
    """Have a connection reset when it is closed, instead of ended."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
