"""WebSocketClient: however a connection ends, it is a Retry or a ConfigError, and never an end."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import pytest

from connectors_core import ConfigError, Retry
from connectors_core.clients import WebSocketClient, WebSocketConfig
from connectors_core.clients import websocket as module
from connectors_core.testing import HttpUpstream, Response, WebSocketUpstream

TOKEN = "token-that-nobody-may-see"
FAULTS = ("refused", "reset", "half-open", "slow", "truncated", "rate-limited", "server-error")


def options(url: str, **more: Any) -> WebSocketConfig:
    return WebSocketConfig.model_validate({"url": url, "token": TOKEN, "timeout_ms": 5000, **more})


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


async def test_messages_go_and_come_as_text_bytes_and_json() -> None:
    async with WebSocketUpstream(echo) as server, WebSocketClient(options(server.url)) as socket:
        await socket.send("text")
        await socket.send(b"bytes")
        await socket.send_json({"a": "é"})
        assert [await socket.receive(), await socket.receive()] == ["text", b"bytes"]
        assert await socket.receive_json() == {"a": "é"}


async def test_the_token_and_the_headers_go_with_the_handshake() -> None:
    async def talk(connection: Any) -> None:
        headers = connection.request.headers
        await connection.send(f"{headers['Authorization']} {headers['X-A']}")

    async with (
        WebSocketUpstream(talk) as server,
        WebSocketClient(options(server.url), headers={"X-A": "b"}) as socket,
    ):
        assert await socket.receive() == f"Bearer {TOKEN} b"


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011])
async def test_a_close_is_a_retry_however_clean(code: int) -> None:
    async def talk(connection: Any) -> None:
        await connection.send("last")
        await connection.close(code, f"go \x07 {TOKEN}")

    async with WebSocketUpstream(talk) as server, WebSocketClient(options(server.url)) as socket:
        assert await socket.receive() == "last"
        with pytest.raises(Retry, match=f"closed with {code} go") as caught:
            await socket.receive()
        with pytest.raises(Retry, match=f"closed with {code}"):
            await socket.send("too late")
    assert TOKEN not in str(caught.value) and str(caught.value).isprintable()


async def test_silence_is_a_retry() -> None:
    async with (
        WebSocketUpstream(echo) as server,
        WebSocketClient(options(server.url, silence_ms=200)) as socket,
    ):
        with pytest.raises(Retry, match=r"nothing came for 0\.2 s"):
            await socket.receive()


async def test_a_peer_that_answers_no_ping_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is cut without a word looks open; the library's ping shows that it is not."""
    monkeypatch.setattr(module, "PING_SECONDS", 0.1)

    lost = asyncio.Event()

    async def deaf(connection: Any) -> None:
        connection.transport.pause_reading()
        await lost.wait()
        connection.transport.resume_reading()

    async with WebSocketUpstream(deaf) as server:
        async with WebSocketClient(options(server.url)) as socket:
            with pytest.raises(Retry, match="closed with 1006"):
                await socket.receive()
        lost.set()


@pytest.mark.parametrize("message", ["no json", "", b"\xff", '"text"'])
async def test_what_is_no_json_or_of_another_kind_is_a_retry(message: str | bytes) -> None:
    async def talk(connection: Any) -> None:
        await connection.send(message)
        await connection.wait_closed()

    async with WebSocketUpstream(talk) as server, WebSocketClient(options(server.url)) as socket:
        with pytest.raises(Retry, match="a message is not"):
            await socket.receive_json(dict)


async def test_a_message_that_is_too_large_is_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)

    async def talk(connection: Any) -> None:
        await connection.send("x" * 1001)
        await connection.wait_closed()

    async with WebSocketUpstream(talk) as server, WebSocketClient(options(server.url)) as socket:
        with pytest.raises(Retry, match="closed with"):
            await socket.receive()


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_handshake_that_fails_is_a_retry_without_the_token(kind: str) -> None:
    async with WebSocketUpstream(echo) as server:
        await server.fault(kind)
        with pytest.raises(Retry) as caught:
            async with WebSocketClient(options(f"{server.url}/?key={TOKEN}", timeout_ms=300)):
                pass
        assert f"{server.url}/" in str(caught.value)
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
        assert caught.value.after == (2.0 if kind == "rate-limited" else None)
        await server.fault("none")
        async with WebSocketClient(options(server.url)) as socket:
            await socket.send("well")
            assert await socket.receive() == "well"


async def test_a_connection_that_is_cut_is_a_retry() -> None:
    async with WebSocketUpstream(echo) as server, WebSocketClient(options(server.url)) as socket:
        await server.fault("reset")
        with pytest.raises(Retry, match="closed with 1006"):
            await socket.receive()


@pytest.mark.parametrize(("status", "cure"), [(401, "`token`"), (404, "`url`")])
async def test_a_refusal_that_stays_is_a_config_error(status: int, cure: str) -> None:
    async with HttpUpstream(lambda _: Response(status)) as server:
        with pytest.raises(ConfigError, match=cure):
            async with WebSocketClient(options(server.url.replace("http", "ws"))):
                pass


async def test_no_log_has_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with WebSocketUpstream(echo) as server, WebSocketClient(options(server.url)) as socket:
        await socket.send(TOKEN)
        await socket.receive()
    assert not any(TOKEN in each.getMessage() for each in caplog.records)


async def test_a_redirect_takes_no_header_to_another_host() -> None:
    key = {"X-Api-Key": TOKEN}
    async with (
        HttpUpstream(lambda _: Response(401)) as other,
        HttpUpstream(
            lambda _: Response(302, headers={"Location": f"{other.url}/b".replace("http", "ws")})
        ) as server,
    ):
        url = server.url.replace("http", "ws")
        with pytest.raises(ConfigError, match=r"has moved. If ws.*/b is to be trusted"):
            async with WebSocketClient(options(url), headers=key):
                pass
    assert not other.requests and len(server.requests) == 1


@pytest.mark.parametrize("headers", [{"X-Key": f"ü{TOKEN}"}, {"X-Key": f"{TOKEN}\r\n"}])
def test_a_header_that_cant_be_sent_is_told_without_its_value(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="the header X-Key can't be sent") as caught:
        WebSocketClient(options("wss://host"), headers=headers)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
