"""The fake HTTP server answers as told, also when told to misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from connectors_core.testing import Gate, HttpUpstream, Request, Response
from connectors_core.testing.law import Broken
from connectors_core.testing.upstream.certificate import UNTRUSTED


async def _exchange(server: HttpUpstream, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_notes_each_request_and_keeps_the_connection() -> None:
    async with (
        HttpUpstream(lambda request: Response(body=request.path)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        first = await client.get("/a%20b?q=1&q=2&empty=")
        second = await client.post("/c", content=b"hello", headers={"X-Name": "v"})
        streams = {id(r.extensions["network_stream"]) for r in (first, second)}
    assert (first.text, second.text) == ("/a%20b", "/c")
    assert len(streams) == 1
    one, two = server.requests
    assert (one.method, one.path, one.query) == ("GET", "/a%20b", {"q": "2", "empty": ""})
    assert (two.method, two.body, two.headers["x-name"]) == ("POST", b"hello", "v")


async def test_sends_chunks_and_closes_their_generator_when_the_client_leaves() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed.set()

    async with HttpUpstream(lambda _: Response(chunks=endless())) as server:
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", server.url) as response,
        ):
            assert response.headers["transfer-encoding"] == "chunked"
            async for _ in response.aiter_raw():
                break
        await asyncio.wait_for(closed.wait(), 10)


async def test_body_stands_before_its_chunks() -> None:
    async def rest() -> AsyncIterator[bytes]:
        yield b"two"
        yield b"three"

    async with (
        HttpUpstream(lambda _: Response(body="one", chunks=rest())) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        assert (await client.get(server.url)).text == "onetwothree"


async def test_raw_bytes_are_sent_as_they_are() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort"
    async with HttpUpstream(lambda _: Response(raw=raw, close=True)) as server:
        assert await _exchange(server, b"GET / HTTP/1.1\r\n\r\n") == raw


@pytest.mark.parametrize("status", [204, 304])
async def test_bodiless_answers_have_no_body_and_no_length(status: int) -> None:
    async with HttpUpstream(lambda _: Response(status, "no", close=True)) as server:
        answer = await _exchange(server, b"GET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length" not in answer.lower()


async def test_head_has_the_length_and_no_body() -> None:
    async with HttpUpstream(lambda _: Response(body="12345", close=True)) as server:
        answer = await _exchange(server, b"HEAD / HTTP/1.1\r\n\r\n")
    assert b"Content-Length: 5" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_what_a_handler_raises_is_raised_at_the_end() -> None:
    def broken(_: Request) -> Response:
        raise LookupError("no such page")

    with pytest.raises(LookupError, match="no such page"):
        async with (
            HttpUpstream(broken) as server,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            assert (await client.get(server.url)).status_code == 500


async def test_what_a_handler_raises_under_hostile_data_may_be_that_datas_doing() -> None:
    async with (
        HttpUpstream(lambda request: Response(body=str(int(request.query["after"])))) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        await server.fault("nul")
        answer = await client.get(server.url, params={"after": "7\x00"})
        assert answer.status_code == 500


async def test_ends_while_a_client_waits() -> None:
    async with HttpUpstream(lambda _: Response(delay=3600)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        while not server.requests:
            await asyncio.sleep(0)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def _asked(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=0.2) as client:
        try:
            return str((await client.get(url)).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__


HARM = {
    "refused": "ConnectError",
    "reset": "ReadError",
    "half-open": "ReadTimeout",
    "truncated": "RemoteProtocolError",
    "rate-limited": "429",
    "server-error": "503",
    "garbage": "RemoteProtocolError",
    "none": "200",
}


@pytest.mark.parametrize("kind", HARM)
async def test_a_server_and_a_gate_do_harm_until_told_to_stop(kind: str) -> None:
    async with HttpUpstream(lambda _: Response()) as server, Gate(server.port) as gate:
        await gate.fault(kind)
        assert await _asked(gate.url) == HARM[kind]
        await gate.fault("none")
        assert await _asked(gate.url) == "200"
        await server.fault(kind)
        assert await _asked(server.url) == HARM[kind]


async def test_a_slow_answer_never_ends() -> None:
    async with HttpUpstream(lambda _: Response()) as server:
        await server.fault("slow")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), httpx.AsyncClient(trust_env=False) as client:
                await client.get(server.url)


async def test_a_fault_that_nobody_knows_is_not_done() -> None:
    async with HttpUpstream(lambda _: Response()) as server:
        with pytest.raises(NotImplementedError):
            await server.fault("prune")
        assert await _asked(server.url) == "200"


@pytest.mark.parametrize("gated", [False, True])
async def test_under_bad_tls_only_who_verifies_nothing_is_answered(gated: bool) -> None:
    async with HttpUpstream(lambda _: Response(body="here")) as server, Gate(server.port) as gate:
        asked = gate if gated else server
        await asked.fault("bad-tls")
        assert asked.url == f"https://127.0.0.1:{asked.port}"
        assert await _asked(asked.url) == "ConnectError"
        assert asked.requests == []
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            assert (await client.get(asked.url)).text == "here"
        assert [each.secure for each in asked.requests] == [True]
        await asked.fault("none")
        assert asked.url == f"http://127.0.0.1:{asked.port}"
        assert await _asked(asked.url) == "200"
        assert [each.secure for each in asked.requests] == [True, False]


async def test_the_certificate_is_wrong_in_nothing_but_who_signed_it() -> None:
    trusting = ssl.create_default_context(cafile=str(UNTRUSTED))
    async with HttpUpstream(lambda _: Response()) as server:
        await server.fault("bad-tls")
        async with httpx.AsyncClient(trust_env=False, verify=trusting) as client:
            assert (await client.get(server.url)).status_code == 200


async def test_who_speaks_without_tls_under_bad_tls_is_told() -> None:
    server = HttpUpstream(lambda _: Response())
    await server.__aenter__()
    await server.fault("bad-tls")
    assert await _asked(f"http://127.0.0.1:{server.port}") != "200"
    with pytest.raises(Broken, match="somebody spoke HTTP without TLS"):
        await server.__aexit__(None)


async def test_who_leaves_amid_a_handshake_leaves_nothing() -> None:
    async with HttpUpstream(lambda _: Response()) as server:
        await server.fault("bad-tls")
        for sent in (b"", b"\x16\x03\x01"):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(sent)
            await asyncio.sleep(0.01)
            writer.close()
        _, waiting = await asyncio.open_connection("127.0.0.1", server.port)
    waiting.close()
