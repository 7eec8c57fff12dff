"""Lawful sources of streams: server-sent events, and a WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from connectors_core import Record, Retry
from connectors_core.testing import Request, Response, WebSocketUpstream, event, event_stream
from tests.hostile.lawful import ITEMS, LARGEST, TOKEN, UNREADABLE, Items, Lawful, item, seq_of

TLS = httpx.create_ssl_context(trust_env=False)
"""Made once: loading the certificates takes tens of ms."""
QUIET = logging.getLogger("websockets.quiet")
QUIET.setLevel(logging.INFO)
"""At DEBUG it writes the handshake, with the key in it."""


class Item(msgspec.Struct):
    """What an event and a message must have."""

    seq: int
    shard: int
    text: str


class Listening(Lawful):
    """The items as events. A stream ends when there is no more, and one without any is the end."""

    name = "listening-lawful"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = seq_of(offset) if offset else 0
        while True:
            before = after
            async with aclosing(self.events(partition["shard"], after)) as events:
                async for each in events:
                    after = each.seq
                    yield Record(msgspec.to_builtins(each), offset={"seq": after})
            if after == before:
                return

    async def events(self, shard: int, after: int) -> AsyncIterator[Item]:
        headers = {"Authorization": self.secret(), "Last-Event-ID": str(after)}
        url = f"{self.config.url}/events?shard={shard}"
        try:
            async with (
                httpx.AsyncClient(
                    verify=TLS, trust_env=False, timeout=self.config.timeout
                ) as client,
                client.stream("GET", url, headers=headers) as answer,
            ):
                self.require_ok(answer)
                async with aclosing(self.lines(answer)) as lines:
                    async for line in lines:
                        if line.startswith(b"data: "):
                            yield msgspec.json.decode(line[6:], type=Item)
        except (httpx.HTTPError, *UNREADABLE) as error:
            raise Retry(f"events: {type(error).__name__}: {error}") from error

    def require_ok(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            wait = answer.headers.get("Retry-After")
            raise Retry(f"HTTP {answer.status_code}", after=float(wait) if wait else None)

    async def lines(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        """Give the lines of an answer; one may not be longer than the largest, nor take longer than
        the timeout."""
        rest, begun = b"", asyncio.get_running_loop().time()
        async for chunk in answer.aiter_raw():
            *lines, rest = (rest + chunk).split(b"\n")
            now = asyncio.get_running_loop().time()
            begun = now if lines else begun
            if len(rest) > LARGEST or now - begun > self.config.timeout:
                raise ValueError("a line without end")
            for line in lines:
                yield line

    async def committed(self, partition: Any, offset: Any) -> None:
        """Nothing: the far side keeps all."""


class EventItems(Items):
    """The items as events, two in a stream."""

    async def fault(self, kind: str) -> None:
        if kind == "prune":
            raise NotImplementedError(kind)
        await super().fault(kind)

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return Response(401)
        shard, after = int(request.query["shard"]), int(request.headers["last-event-id"])
        numbers = range(after + 1, min(after + 3, ITEMS + 1))
        some = [event(json.dumps(item(shard, n)), name="item", identity=str(n)) for n in numbers]
        return event_stream(some, ends=True)


class Talking(Lawful):
    """The items by a WebSocket: a question for each page."""

    name = "talking-lawful"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = seq_of(offset) if offset else 0
        async with await self.dialled() as connection:
            while page := await self.asked(connection, partition["shard"], after):
                for each in page:
                    after = each.seq
                    yield Record(msgspec.to_builtins(each), offset={"seq": after})

    async def dialled(self) -> ClientConnection:
        try:
            return await connect(
                self.config.url,
                additional_headers={"Authorization": self.secret()},
                open_timeout=self.config.timeout,
                close_timeout=0.1,
                proxy=None,
                logger=QUIET,
            )
        except InvalidStatus as error:
            wait = error.response.headers.get("Retry-After")
            raise Retry(str(error), after=float(wait) if wait else None) from error
        except (WebSocketException, *UNREADABLE) as error:
            raise Retry(f"can't connect: {type(error).__name__}: {error}") from error

    async def asked(self, connection: ClientConnection, shard: int, after: int) -> list[Item]:
        question = {"shard": shard, "after": after, "limit": self.config.page}
        try:
            async with asyncio.timeout(self.config.timeout):
                await connection.send(json.dumps(question))
                return msgspec.json.decode(await connection.recv(), type=list[Item])
        except (ConnectionClosed, *UNREADABLE) as error:
            raise Retry(f"{type(error).__name__}: {error}") from error

    async def committed(self, partition: Any, offset: Any) -> None:
        """Nothing: the far side keeps all."""


class SpokenItems(EventItems):
    """The items by a WebSocket."""

    def __init__(self) -> None:
        self.server = WebSocketUpstream(self.talk)  # type: ignore[assignment]

    async def talk(self, connection: Any) -> None:
        if connection.request.headers.get("Authorization") != TOKEN:
            return
        async for message in connection:
            query = json.loads(message)
            last = min(query["after"] + query["limit"], ITEMS)
            page = [item(query["shard"], n) for n in range(query["after"] + 1, last + 1)]
            await connection.send(json.dumps(page))
