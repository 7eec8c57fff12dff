"""Hostile data stands where it should, and the rest is as it was."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import httpx
import pytest

from connectors_core.testing import (
    Gate,
    HttpUpstream,
    Response,
    WebSocketUpstream,
    event,
    event_stream,
)
from connectors_core.testing.upstream.faults import HOSTILE
from connectors_core.testing.upstream.hostile import DEPTH, Spoiler, spoil

JSON = b'{"items": [{"seq": 1, "text": "a\\"b"}], "price": "1.5", "n": -2.5e3}'
FRAME = b"0|H0STCNT0|001|71900^1.5"


def said(body: bytes, kind: str, turn: int) -> bytes:
    spoiled = spoil(body, kind, turn)
    whole = b"".join(spoiled)
    assert len(spoiled) == len(whole)
    return whole


def parsed(kind: str, turn: int) -> Any:
    return json.loads(said(JSON, kind, turn))


def test_each_text_has_its_turn_and_no_name_of_a_field() -> None:
    first, second, third = (parsed("nul", turn) for turn in range(3))
    assert first == {**json.loads(JSON), "items": [{"seq": 1, "text": 'a"b\0'}]}
    assert second["price"] == "1.5\0"
    assert third == first
    assert parsed("lone-surrogate", 1)["price"] == "1.5\ud800"


def test_numbers_are_nan_also_those_that_are_texts() -> None:
    assert math.isnan(parsed("nan", 0)["items"][0]["seq"])
    assert parsed("nan", 1)["price"] == "NaN"
    assert math.isnan(parsed("nan", 2)["n"])


def test_an_answer_can_be_empty_deep_and_huge() -> None:
    assert said(JSON, "empty", 0) == b""
    deep = said(JSON, "deep", 0)
    assert b'"seq": ' + b"[" * DEPTH + b"]" * DEPTH in deep
    huge = parsed("huge", 3)
    assert len(huge["n"]) == 50_000_000
    assert huge["price"] == "1.5"


def test_what_is_no_json_is_spoiled_as_it_is() -> None:
    assert said(FRAME, "nan", 3) == b"0|H0STCNT0|001|71900^NaN"
    assert said(FRAME, "nul", 0) == b"0|H0STCNT0\0|001|71900^1.5"
    assert said(FRAME, "lone-surrogate", 0).startswith(b"0|H0STCNT0\xed\xa0\x80|")
    assert said(b"<p>text</p>", "deep", 0).startswith(b"<b><b>")
    assert said(FRAME, "deep", 0).startswith(b"[[")
    assert len(said(b"some text", "huge", 1)) == len("some ") + 50_000_000


@pytest.mark.parametrize(
    ("kind", "value"),
    [("nul", b'"\\u0000"'), ("lone-surrogate", b'"\\ud800"'), ("nan", b"NaN")],
)
def test_an_answer_without_a_place_becomes_one_bad_value(kind: str, value: bytes) -> None:
    assert said(b"{}", kind, 5) == value


def test_a_stream_has_no_part_that_is_empty() -> None:
    assert b"".join(Spoiler("empty").part(b"data: 1\n\n")) == b"data: 1\n\n"
    assert b"".join(Spoiler("nan").part(b"data: 1\n\n")) == b"data: NaN\n\n"


async def _both(server: HttpUpstream, gate: Gate, kind: str) -> list[httpx.Response]:
    """Return what a client gets of a server and of a gate before one, over connections that stay."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for each in (server, gate):
            assert (await client.get(each.url)).status_code == 200
        await gate.fault(kind)
        through = [await client.get(gate.url), await client.get(f"{gate.url}/error")]
        await gate.fault("none")
        await server.fault(kind)
        direct = [await client.get(server.url), await client.get(f"{server.url}/error")]
        await server.fault("none")
        assert (await client.get(gate.url)).text == '{"a": "b"}'
    return [*through, *direct]


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_server_and_a_gate_give_the_same_hostile_data(kind: str) -> None:
    def answer(request: Any) -> Response:
        return Response(404 if request.path == "/error" else 200, '{"a": "b"}')

    async with HttpUpstream(answer) as server, Gate(server.port) as gate:
        through, error, direct, other = await _both(server, gate, kind)
    expected = b"".join(spoil(b'{"a": "b"}', kind, 0))
    assert through.content == direct.content == expected
    assert error.text == other.text == '{"a": "b"}'
    assert [each.path for each in gate.requests] == ["/", "/", "/error", "/"]


async def test_a_stream_of_events_is_spoiled_from_the_next_one_on() -> None:
    more = asyncio.Event()

    async def events() -> Any:
        yield event('{"n": 1}')
        await more.wait()
        yield event('{"n": 2}')

    answer = event_stream([], ends=True)
    answer.chunks = events()
    async with (
        HttpUpstream(lambda _: answer) as server,
        Gate(server.port) as gate,
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", gate.url) as response,
    ):
        lines = response.aiter_lines()
        assert await anext(lines) == 'data: {"n": 1}'
        await gate.fault("nan")
        more.set()
        assert [line async for line in lines] == ["", 'data: {"n": NaN}', ""]


async def test_messages_of_a_websocket_are_spoiled_one_after_the_other() -> None:
    websockets = pytest.importorskip("websockets")

    async def talk(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async with (
        WebSocketUpstream(talk) as server,
        websockets.connect(server.url, max_size=None) as client,
    ):

        async def back(text: str) -> Any:
            await client.send(text)
            return await client.recv()

        assert await back('{"a": "b"}') == '{"a": "b"}'
        await server.fault("nul")
        assert await back('{"a": "b"}') == '{"a": "b\\u0000"}'
        await server.fault("huge")
        assert len(await back('"x"')) == 50_000_002
        assert await back('"x"') == '"x"'
        assert [each.path for each in server.requests] == ["/"]


async def test_half_a_character_is_no_text_of_a_websocket() -> None:
    websockets = pytest.importorskip("websockets")

    async def talk(connection: Any) -> None:
        await connection.send("plain text")
        await connection.wait_closed()

    async with WebSocketUpstream(talk) as server:
        await server.fault("lone-surrogate")
        async with websockets.connect(server.url) as client:
            with pytest.raises(websockets.ConnectionClosedError, match="1007"):
                await client.recv()
