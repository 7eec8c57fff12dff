"""WebSocketClient: however a connection ends, it is a Retry or a ConfigError, and never an end."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from typing import Any

import pytest
from websockets.utils import accept_key

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


class Deaf(asyncio.Protocol):
    """Answers the handshake, and never reads again."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.head = transport, b""

    def data_received(self, data: bytes) -> None:
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", self.head)
        assert key
        accept = accept_key(key[1].decode())
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {accept}", "", ""]
        self.transport.write("\r\n".join(lines).encode())
        self.transport.pause_reading()


async def test_a_far_side_that_is_deaf_does_not_keep_the_connection() -> None:
    deaf = list[Deaf]()

    def made() -> Deaf:
        deaf.append(Deaf())
        return deaf[-1]

    async with await asyncio.get_running_loop().create_server(made, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(15):  # a ping that nobody answers ends it after 20 s
            async with WebSocketClient(options(f"ws://127.0.0.1:{port}")) as socket:
                stuck = asyncio.create_task(socket.send("x" * (16 << 20)))
                await asyncio.wait([stuck], timeout=0.2)
                assert not stuck.done()
            await asyncio.gather(stuck, return_exceptions=True)
        deaf[0].transport.abort()


async def test_a_close_that_is_cancelled_leaves_no_connection() -> None:
    async def talk(connection: Any) -> None:
        for _ in range(1000):
            await connection.send("x" * 10_000)

    async with WebSocketUpstream(talk) as server:
        client = WebSocketClient(options(server.url))
        await client.__aenter__()
        closing = asyncio.create_task(client.__aexit__())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        async with asyncio.timeout(10):
            await client._socket.wait_closed()


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
async def test_a_host_that_can_have_no_such_name_is_a_config_error(host: str) -> None:
    with pytest.raises(ConfigError, match="Check `url`"):
        async with WebSocketClient(options(f"ws://{host}/")):
            pass


async def test_a_header_that_comes_twice_is_taken_once() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = ["HTTP/1.1 503 Busy", "Retry-After: 7", "Retry-After: 7", "Content-Length: 0"]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Retry) as caught:
            async with WebSocketClient(options(f"ws://127.0.0.1:{port}")):
                pass
    assert caught.value.after == 7
