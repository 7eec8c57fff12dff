from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from connectors_core.testing import (
    HttpUpstream,
    Response,
    WebSocketUpstream,
    event,
    event_stream,
)

GET = b"GET / HTTP/1.1\r\n\r\n"


async def test_a_connection_that_is_accepted_and_never_served_is_closed() -> None:
    """A door that closes in the instant in which somebody comes leaks nothing (see conftest.py)."""
    for _ in range(30):
        async with HttpUpstream(lambda _: Response()) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()


async def test_a_websocket_talks_is_cut_and_refuses_handshakes() -> None:
    websockets = pytest.importorskip("websockets")

    async def talk(connection: Any) -> None:
        async for message in connection:
            await connection.send(message[::-1])

    async with WebSocketUpstream(talk) as server:
        async with websockets.connect(server.url) as client:
            await client.send("abc")
            assert await client.recv() == "cba"
            await server.fault("server-error")
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
        with pytest.raises(websockets.InvalidStatus, match="HTTP 503"):
            await websockets.connect(server.url)
        await server.fault("none")
        async with websockets.connect(server.url) as client:
            await client.send("xy")
            assert await client.recv() == "yx"
        await server.fault("bad-tls")
        assert server.url.startswith("wss://127.0.0.1:")
        with pytest.raises(ssl.SSLCertVerificationError):
            await websockets.connect(server.url)
        assert len(server.requests) == 3


async def test_events_are_sent_as_the_standard_has_them() -> None:
    some = [event("a\nb", name="news", identity="7"), event("c", retry_ms=100)]
    async with HttpUpstream(lambda _: event_stream(some, ends=True)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET)
        assert b"text/event-stream" in await reader.readuntil(b"\r\n\r\n")
        said = await reader.readuntil(b"0\r\n\r\n")
        writer.close()
    assert b"event: news\nid: 7\ndata: a\ndata: b\n\n" in said
    assert b"retry: 100\ndata: c\n\n" in said
