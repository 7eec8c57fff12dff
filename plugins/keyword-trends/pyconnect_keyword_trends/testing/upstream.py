"""Upstream: a Jetstream and a trending feed on 127.0.0.1, made, scripted or replayed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.event import FrameError, parse
from pyconnect_keyword_trends.testing.scripted import (
    STEP_US,
    expected,
    generated,
    generated_feed,
)

KEPT_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the HTTP side: of the feed, or instead of a WebSocket."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Upstream:
    """`async with Upstream() as server:` speaks Jetstream v1 at `/subscribe` and serves
    `/trending/rss` on one port, until the block ends.

    Without `script` posts never end, 20 a second, the same for everyone who asks for the same time,
    kept for an hour. With a script of frames those are sent, then the connection stays open, and
    silent until `say` adds more; a cursor is honoured inclusively, a frame without a time goes with
    the one before it. Without `feeds` the feed changes every 3 s; with, each request takes the next
    answer and the last one stays.

    What goes wrong on request: `refuse` (answers to the next handshakes), `floor_us` (what is older
    is gone, without a word), `extra_us` (replay that much more than asked), `drop_after` (close
    with 1011 after that many frames of a connection). `cursors` are those that were asked for,
    `requests` the requests to the feed.
    """

    def __init__(
        self, script: Iterable[str] | None = None, *, feeds: Iterable[Answer] | None = None
    ) -> None:
        self.script = None if script is None else list(script)
        self.feeds = None if feeds is None else list(feeds)
        self.refuse: list[Answer] = []
        self.floor_us = 0
        self.extra_us = 0
        self.drop_after: int | None = None
        self.cursors: list[int | None] = []
        self.requests: list[Request] = []
        self.port = 0
        self._more = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server: Server = await serve(
            self._subscribe,
            "127.0.0.1",
            self.port,
            process_request=self._http,
            close_timeout=1,
            compression=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def config(self) -> dict[str, str | int]:
        """Return the options that point a connector here, quick enough to watch."""
        return {
            "base_url": f"http://127.0.0.1:{self.port}",
            "window": 2000,
            "max_out_of_order": 200,
            "idle_close": 1000,
            "poll_interval": 1000,
        }

    def expected(self, config: TrendsConfig) -> dict[tuple[str, int], tuple[int, int, int]]:
        """Return what the script counts to; see `scripted.expected`."""
        return expected(self.script or (), config)

    async def say(self, *frames: str) -> None:
        """Add frames to the script; who is connected hears them."""
        async with self._more:
            self.script = [*(self.script or ()), *frames]
            self._more.notify_all()

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        url = urlsplit(request.path)
        if url.path == "/trending/rss":
            self.requests.append(request)
            return _response(self._feed(parse_qs(url.query).get("geo", ["KR"])[0]))
        if url.path != "/subscribe":
            return _response(Answer(404, b"there is /subscribe and /trending/rss"))
        return _response(self.refuse.pop(0)) if self.refuse else None

    def _feed(self, geo: str) -> Answer:
        if self.feeds is None:
            return Answer(200, generated_feed(time.time(), geo))
        return self.feeds.pop(0) if len(self.feeds) > 1 else self.feeds[0]

    async def _subscribe(self, connection: ServerConnection) -> None:
        query = parse_qs(urlsplit(connection.request.path if connection.request else "").query)
        cursor = int(query["cursor"][0]) if "cursor" in query else None
        self.cursors.append(cursor)
        sending = asyncio.create_task(self._send(connection, cursor))
        closed = asyncio.create_task(connection.wait_closed())
        # A script has silences in which only this notices that the client went away.
        await asyncio.wait({sending, closed}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, closed):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    async def _send(self, connection: ServerConnection, cursor: int | None) -> None:
        sent = 0
        try:
            async for frame in self._frames(cursor):
                if sent == self.drop_after:
                    await connection.close(1011, "dropped")
                    return
                await connection.send(frame)
                sent += 1
        except ConnectionClosed:
            pass  # the client went away, which is its right

    def _frames(self, cursor: int | None) -> AsyncIterator[str]:
        if cursor is not None:
            cursor = max(cursor - self.extra_us, self.floor_us)
        return self._endless(cursor) if self.script is None else self._scripted(cursor)

    async def _endless(self, cursor: int | None) -> AsyncIterator[str]:
        now = time.time_ns() // 1000
        asked = now if cursor is None else min(max(cursor, now - KEPT_US), now)
        number = -(-asked // STEP_US)
        while True:
            while number * STEP_US <= time.time_ns() // 1000:
                yield generated(number)
                number += 1
            await asyncio.sleep(STEP_US / 1e6)

    async def _scripted(self, cursor: int | None) -> AsyncIterator[str]:
        at, us = 0, 0
        while True:
            for frame in (self.script or ())[at:]:
                at += 1
                us = _time(frame, us)
                if us >= max(cursor or 0, self.floor_us):
                    yield frame
            async with self._more:
                while len(self.script or ()) <= at:
                    await self._more.wait()


class Replay(Upstream):
    """An Upstream that says what was recorded, byte for byte: the `in` lines of a `.jsonl` file
    (`wire` v1), or a feed as an `.xml` file."""

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if path.suffix == ".xml":
            super().__init__([], feeds=[Answer(200, path.read_bytes())])
            return
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
        said = [x["raw"] for x in lines if x["dir"] == "in" and x.get("wire", "v1") == "v1"]
        super().__init__(said, feeds=[Answer(404)])


def _time(frame: str, before: int) -> int:
    try:
        return parse(frame).us
    except FrameError:
        return before


def _response(answer: Answer) -> Response:
    headers = Headers({"Content-Length": str(len(answer.body)), "Connection": "close"})
    for name, value in answer.headers.items():
        headers[name] = value
    return Response(answer.status, "Answer", headers, answer.body)
