"""Whatever a server sends, a request ends in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from connectors_core.testing import HttpUpstream, Response
from pyconnect_web_crawler import CrawlerConfig
from pyconnect_web_crawler.fetch import Answer, Failed, Fetcher, tls

PAGE = "한글과 English".encode() * 100


async def _get(response: Response, **options: object) -> Answer:
    config = CrawlerConfig.model_validate(
        {"seeds": ["http://a.example"], "allow_private": True, **options}
    )
    async with HttpUpstream(lambda _: response) as server, Fetcher(config) as fetcher:
        return await fetcher.get(f"{server.url}/")


async def test_certificates_are_loaded_once_and_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They take up to a quarter of a second, in which all connectors would stand still."""
    make, threads = ssl.create_default_context, []

    def noted() -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return make()

    tls.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", noted)
    for _ in range(2):
        await _get(Response(body=PAGE))
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", PAGE),
        ("gzip", gzip.compress(PAGE)),
        ("x-gzip", gzip.compress(PAGE[:700]) + gzip.compress(PAGE[700:])),
        ("gzip", gzip.compress(PAGE) + b"\0" * 100),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", _raw_deflate(PAGE)),
    ],
)
async def test_unpacks_what_was_asked_for(encoding: str, body: bytes) -> None:
    answer = await _get(Response(body=body, headers={"Content-Encoding": encoding}))
    assert answer.body == PAGE
    assert not answer.truncated


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PAGE)[:-20]),
        ("gzip", b"not gzip at all"),
        ("gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        ("br", PAGE),
        ("zstd", PAGE),
    ],
)
async def test_damaged_nested_and_unknown_encodings_fail(encoding: str, body: bytes) -> None:
    with pytest.raises(Failed):
        await _get(Response(body=body, headers={"Content-Encoding": encoding}))


async def test_a_bomb_is_cut_at_max_body_and_takes_little_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    tracemalloc.start()
    answer = await _get(Response(body=bomb, headers={"Content-Encoding": "gzip"}), max_body="1MiB")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(answer.body), answer.truncated) == (1 << 20, True)
    assert peak < 8 << 20


async def test_an_endless_body_is_cut_at_max_body() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    answer = await _get(Response(chunks=endless()), max_body="1MiB")
    assert (len(answer.body), answer.truncated) == (1 << 20, True)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
async def test_a_slow_server_is_left_at_the_deadline(head: bytes) -> None:
    async def slow() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"H"

    with pytest.raises(Failed, match=r"within 0\.3 s"):
        await _get(Response(raw=head, chunks=slow()), timeout=0.3)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    ],
)
async def test_a_broken_answer_fails(raw: bytes) -> None:
    with pytest.raises(Failed):
        await _get(Response(raw=raw, close=True))


async def test_sends_no_cookie_back_and_ignores_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    config = CrawlerConfig(seeds=["http://a.example"], allow_private=True, user_agent="acme-bot/1")
    answer = Response(headers={"Set-Cookie": "a=b"})
    async with HttpUpstream(lambda _: answer) as server, Fetcher(config) as fetcher:
        await fetcher.get(f"{server.url}/")
        await fetcher.get(f"{server.url}/")
    last = server.requests[1].headers
    assert last["user-agent"] == "acme-bot/1"
    assert not {"cookie", "referer", "authorization"} & set(last)
