from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors_core.testing import HttpUpstream, Response, WebSocketUpstream, Wire
from connectors_core.testing.faults import FAULTS, RETRY_AFTER_SECONDS
from connectors_core.testing.sse import event, event_stream

GET = b"GET / HTTP/1.1\r\n\r\n"


async def ask(port: int) -> bytes:
    """Return all that comes until the other side ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(GET)
        return await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def upstreams(how: str) -> AsyncIterator[Any]:
    """Run a server that does harm by itself, or one that has a wire before it."""
    async with HttpUpstream(lambda _: Response(body="well", close=True)) as server:
        if how == "http":
            yield server
            return
        async with Wire(server.port) as wire:
            yield wire


@pytest.mark.parametrize("how", ["http", "wire"])
async def test_every_fault_is_done_until_none(how: str) -> None:
    async with upstreams(how) as upstream:
        assert (await ask(upstream.port)).endswith(b"well")
        await upstream.fault("refused")
        with pytest.raises(ConnectionRefusedError):
            await ask(upstream.port)
        await upstream.fault("reset")
        with pytest.raises(ConnectionResetError):
            await ask(upstream.port)
        await upstream.fault("truncated")
        assert (await ask(upstream.port)).endswith(b"Content-Length: 1000\r\n\r\n{")
        await upstream.fault("garbage")
        assert (await ask(upstream.port)).startswith(b"\x00\xff")
        await upstream.fault("none")
        assert (await ask(upstream.port)).endswith(b"well")


@pytest.mark.parametrize("how", ["http", "wire"])
@pytest.mark.parametrize(("kind", "most"), [("half-open", 0), ("slow", 4)])
async def test_a_fault_that_lasts_is_cut_by_the_next(how: str, kind: str, most: int) -> None:
    async with upstreams(how) as upstream:
        await upstream.fault(kind)
        asking = asyncio.create_task(ask(upstream.port))
        await asyncio.wait({asking}, timeout=0.3)
        assert not asking.done()
        await upstream.fault("none")
        try:
            assert len(await asking) <= most
        except ConnectionResetError:
            assert kind == "half-open"


async def test_http_knows_what_it_answers() -> None:
    async with HttpUpstream(lambda _: Response(body="well")) as server:
        await server.fault("rate-limited")
        answer = await _head(server.port)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert f"Retry-After: {RETRY_AFTER_SECONDS:.0f}".encode() in answer
        await server.fault("server-error")
        assert (await _head(server.port)).startswith(b"HTTP/1.1 503 ")
        assert len(server.requests) == 2


async def _head(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET)
    try:
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


@pytest.mark.parametrize("how", ["http", "wire"])
async def test_what_it_can_not_do_is_told(how: str) -> None:
    async with upstreams(how) as upstream:
        with pytest.raises(NotImplementedError):
            await upstream.fault("bad-tls")
        done = {"none", *FAULTS} - {"bad-tls"}
        for kind in done - ({"rate-limited", "server-error"} if how == "wire" else set()):
            await upstream.fault(kind)


async def test_a_connection_that_is_accepted_and_never_served_is_closed() -> None:
    """A door that closes in the instant in which somebody comes leaks nothing (see conftest.py)."""
    for _ in range(30):
        async with HttpUpstream(lambda _: Response()) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()


async def test_a_websocket_talks_and_is_cut() -> None:
    websockets = pytest.importorskip("websockets")

    async def talk(connection: Any) -> None:
        async for message in connection:
            await connection.send(message[::-1])

    async with WebSocketUpstream(talk) as server:
        async with websockets.connect(server.url) as client:
            await client.send("abc")
            assert await client.recv() == "cba"
            await server.fault("reset")
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
        with pytest.raises((websockets.InvalidMessage, ConnectionError, EOFError)):
            await websockets.connect(server.url, open_timeout=2)
        await server.fault("none")
        async with websockets.connect(server.url) as client:
            await client.send("xy")
            assert await client.recv() == "yx"
        assert server.wire.connections == 3


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
