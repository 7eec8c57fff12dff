"""HttpClient: what passes is a Retry, what does not is a ConfigError, and no error shows a secret."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import traceback
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any, TypedDict

import pytest

from connectors_core import ConfigError, PyconnectError, Retry
from connectors_core.clients import Answer, HttpClient, HttpConfig
from connectors_core.clients import http as module
from connectors_core.clients.refusal import retry_after
from connectors_core.testing import HttpUpstream, MemoryContext, Response

TOKEN = "token-that-nobody-may-see"
FAULTS = ("refused", "reset", "half-open", "slow", "truncated", "rate-limited", "server-error")


def options(url: str, **more: Any) -> HttpConfig:
    return HttpConfig.model_validate({"url": url, "token": TOKEN, "timeout_ms": 5000, **more})


async def ask(
    response: Response, path: str = "a", context: MemoryContext | None = None, **request: Any
) -> Answer:
    """Ask once of a server that always gives this response."""
    async with (
        HttpUpstream(lambda _: response) as server,
        HttpClient(options(server.url), context or MemoryContext()) as client,
    ):
        return await client.get(path, **request)


async def test_an_answer_has_status_headers_body_and_json() -> None:
    answer = await ask(Response(body='{"a": [1, 2.5, null]}', headers={"ETag": '"x"'}))
    assert (answer.status, answer.headers["etag"]) == (200, '"x"')
    assert answer.json() == {"a": [1, 2.5, None]}
    assert answer.body == b'{"a": [1, 2.5, null]}'


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/api"),
        ("a/b", "/api/a/b"),
        ("/a", "/api/a"),
        ("a?next=http://x/y", "/api/a"),
        ("{url}/next", "/next"),
    ],
)
async def test_a_path_is_below_the_url_or_whole(path: str, asked: str) -> None:
    async with (
        HttpUpstream(lambda _: Response()) as server,
        HttpClient(options(f"{server.url}/api"), MemoryContext()) as client,
    ):
        await client.get(path.format(url=server.url))
        await client.request("POST", "x", params={"n": 1}, json=[1], headers={"X-A": "b"})
    first, second = server.requests
    assert (first.method, first.path) == ("GET", asked)
    assert (second.method, second.path, second.query) == ("POST", "/api/x", {"n": "1"})
    assert (second.body, second.headers["x-a"]) == (b"[1]", "b")
    assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {TOKEN}"}


async def test_the_token_goes_to_no_other_host() -> None:
    async with (
        HttpUpstream(lambda _: Response()) as other,
        HttpUpstream(lambda _: Response(302, headers={"Location": f"{other.url}/b"})) as server,
        HttpClient(options(server.url), MemoryContext()) as client,
    ):
        with pytest.raises(ConfigError, match="the token is for `url` alone"):
            await client.get(f"{other.url}/a")
        with pytest.raises(ConfigError, match=rf"has moved. If {other.url}/b is to be trusted"):
            await client.get("a")
    assert not other.requests


@pytest.mark.parametrize(
    "body",
    ["<html>", "", "NaN", '{"a": Infinity}', "1e999", r'"\ud800"', b"\xff", "[" * 100_000],
    ids=lambda body: repr(body)[:20],
)
async def test_what_is_no_json_passes(body: str | bytes) -> None:
    answer = await ask(Response(body=body))
    with pytest.raises(Retry, match="the answer is not"):
        answer.json()


class Item(TypedDict):
    id: int


@pytest.mark.parametrize(
    ("body", "kind"),
    [('"text"', list), ("[]", dict), ("[1]", list[dict[str, Any]]), ('[{"id": "1"}]', list[Item])],
)
async def test_json_of_another_kind_passes(body: str, kind: type[Any]) -> None:
    answer = await ask(Response(body=body))
    assert answer.json() is not None
    with pytest.raises(Retry, match="is not what was asked for: Expected"):
        answer.json(kind)


async def test_json_of_the_kind_is_given() -> None:
    assert (await ask(Response(body='[{"id": 1}]'))).json(list[Item])[0]["id"] == 1


@pytest.mark.parametrize("status", [200, 201, 204, 304])
async def test_a_success_and_what_is_unchanged_come_back(status: int) -> None:
    assert (await ask(Response(status))).status == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_passes_is_a_retry(status: int) -> None:
    with pytest.raises(Retry, match=f"/a: HTTP {status}.") as caught:
        await ask(Response(status))
    assert caught.value.after is None


@pytest.mark.parametrize(
    ("status", "cure"),
    [(401, "`token`"), (403, "`token`"), (404, "`url`"), (410, "`url`"), (400, "documentation")],
)
async def test_what_waiting_does_not_mend_is_a_config_error(status: int, cure: str) -> None:
    with pytest.raises(ConfigError, match=cure) as caught:
        await ask(Response(status))
    assert caught.value.place.endswith("/a") and f"HTTP {status}" in str(caught.value)
    assert (await ask(Response(status), expects={status})).status == status


async def test_a_retry_after_is_kept_by_all_who_share_the_budget() -> None:
    context = MemoryContext()
    for status in (429, 503):
        with pytest.raises(Retry, match="wait of 7 s") as caught:
            await ask(Response(status, headers={"Retry-After": "7"}), context=context)
        assert (caught.value.after, caught.value.code) == (7.0, "retry.throttled")
    assert [seconds for _, seconds in context.held] == [7.0, 7.0]
    assert [name for name, _ in context.held] == [name for name, _ in context.paced]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        (" 120 ", 120.0),
        ("9" * 30, 86_400.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("0", None),
        ("Wed, 21 Oct 2015 07:26:00 GMT", None),
        ("Wed, 21 Oct 2099 07:26:00 GMT", 86_400.0),
        ("soon", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, now=1445412420.0) == seconds


async def test_every_request_takes_a_token_of_the_hosts_budget() -> None:
    context = MemoryContext()
    async with HttpUpstream(lambda _: Response()) as server:
        for path in ("a", "b"):
            config = options(f"{server.url}/{path}", per_second=3)
            async with HttpClient(config, context) as client:
                await client.get()
    assert context.paced == [(f"http {server.url}", 3.0)] * 2


@pytest.mark.parametrize("kind", FAULTS)
async def test_whatever_the_far_side_does_is_a_retry_without_the_token(kind: str) -> None:
    async with (
        HttpUpstream(lambda _: Response(body="[]")) as server,
        HttpClient(options(server.url, timeout_ms=300), MemoryContext()) as client,
    ):
        await server.fault(kind)
        with pytest.raises(Retry) as caught:
            await client.request("GET", "a", params={"key": TOKEN}, json={"key": TOKEN})
        assert f"{server.url}/a" in str(caught.value)
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is None
        await server.fault("none")
        assert (await client.get("a")).json() == []


async def test_the_timeout_is_of_the_whole_answer() -> None:
    """httpx's own one begins anew with each byte."""

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    async with (
        HttpUpstream(lambda _: Response(chunks=drops())) as server,
        HttpClient(options(server.url, timeout_ms=300), MemoryContext()) as client,
    ):
        with pytest.raises(Retry, match=r"no whole answer in 0\.3 s"):
            await client.get()


async def test_an_answer_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1 << 20)
    packed = gzip.compress(bytes(8 << 20))
    for response in (
        Response(body=bytes((1 << 20) + 1)),
        Response(body=packed, headers={"Content-Encoding": "gzip"}),
    ):
        with pytest.raises(PyconnectError, match="more than 1 MiB"):
            await ask(response)


async def test_what_is_packed_is_unpacked() -> None:
    body = gzip.compress(json.dumps([1, 2]).encode())
    answer = await ask(Response(body=body, headers={"Content-Encoding": "gzip"}))
    assert answer.json() == [1, 2]


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"X-Key": f"{TOKEN}\n"}},
        {"headers": {"X-Key": f"schlüssel-{TOKEN}"}},
        {"headers": {f"ü{TOKEN}": "a"}},
        {"path": f"a\n{TOKEN}"},
    ],
)
async def test_what_cant_be_sent_is_a_config_error_without_a_secret(
    request_: dict[str, Any],
) -> None:
    async with (
        HttpUpstream(lambda _: Response()) as server,
        HttpClient(options(server.url), MemoryContext()) as client,
    ):
        with pytest.raises(ConfigError) as caught:
            await client.get(**{"path": "a", **request_})
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_nobody_there_is_told_with_the_place() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with HttpClient(options(url), MemoryContext()) as client:
            with pytest.raises(Retry, match=rf"{url}/a: no answer: ConnectError"):
                await client.get("a")


async def test_what_the_far_side_says_stays_on_one_line_without_the_token() -> None:
    raw = f"HTTP/1.1 200 OK\r\nbad header \x1b[2J {TOKEN}\r\n\r\n".encode()
    with pytest.raises(Retry) as caught:
        await ask(Response(raw=raw, close=True))
    said = str(caught.value)
    assert said.isprintable() and TOKEN not in said


@pytest.mark.parametrize("headers", [{"X-Key": f"ü{TOKEN}"}, {"X-Key": f"{TOKEN}\r\n"}])
def test_a_header_that_cant_be_sent_is_told_without_its_value(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="the header X-Key can't be sent") as caught:
        HttpClient(options("https://host"), MemoryContext(), headers=headers)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("location", [None, "http://[", "/b"])
async def test_a_redirect_is_a_config_error_wherever_it_leads(location: str | None) -> None:
    headers = {"Location": location} if location else {}
    with pytest.raises(ConfigError, match=r"HTTP 302: it has moved\."):
        await ask(Response(302, headers=headers))


async def test_no_log_has_a_query_or_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(Response(), params={"serviceKey": "secret-of-the-query"})
    said = " ".join(each.getMessage() for each in caplog.records)
    assert "secret-of-the-query" not in said and TOKEN not in said


async def test_the_query_of_a_path_stays_and_a_list_gives_each_value() -> None:
    async with (
        HttpUpstream(lambda _: Response()) as server,
        HttpClient(options(server.url), MemoryContext()) as client,
    ):
        await client.get("a?b=1")
        await client.request("POST", "a", params={"c": [1, 2]}, content="text")
    first, second = server.requests
    assert first.query == {"b": "1"}
    assert (second.query["c"], second.body) == ("2", b"text")


async def test_what_is_packed_again_and_again_is_not_unpacked() -> None:
    """Some hundred bytes would become gigabytes before they can be counted."""
    body = gzip.compress(gzip.compress(gzip.compress(b"x" * (64 << 20))))
    assert len(body) < 2000
    headers = {"Content-Encoding": "gzip, gzip, gzip"}

    tracemalloc.start()
    try:
        with pytest.raises(PyconnectError, match="compressed more than once") as caught:
            await ask(Response(body=body, headers=headers))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code == "http.encoding"


@pytest.mark.parametrize(
    "url", ["http://\N{SNOWMAN}.net", "http://xn--a.com", f"http://h/{'a' * 70_000}"]
)
def test_a_url_that_cant_be_asked_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="Check `url`"):
        HttpClient(options(url), MemoryContext())
