"""A source that keeps every law of the contract, and its far side; the mutants break one each."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import msgspec
from pydantic import Field, SecretStr

from connectors_core import Config, OffsetError, Record, Retry, Source
from connectors_core.testing import HttpUpstream, Request, Response

TOKEN = "tok-4f9c1b7d20"
SHARDS, ITEMS = 3, 8
LARGEST = 1 << 20
UNREADABLE = (OSError, TimeoutError, EOFError, LookupError, ValueError, RecursionError)


class Options(Config):
    """Where to read, and how."""

    url: str = Field(description="Where the items are.")
    token: SecretStr = Field(description="What opens the door.")
    page: int = Field(3, ge=1, le=50, description="Items of one answer.")
    shards: int = Field(SHARDS, ge=1, description="How many parts there are.")
    timeout: float = Field(5.0, gt=0, description="Seconds that an answer may take.")
    poll: float = Field(0.05, gt=0, description="Seconds between two looks at the end.")
    follow: bool = Field(False, description="Wait for more; false ends at the end.")


class Lawful(Source[Options]):
    """The items of every shard, in order."""

    name = "lawful"
    largest: ClassVar[int] = LARGEST

    async def partitions(self) -> Any:
        return [{"shard": number} for number in range(self.config.shards)]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = seq_of(offset) if offset else 0
        while True:
            page = await self.page(partition, after)
            if offset and after < page["oldest"] - 1:
                raise OffsetError(f"items up to {page['oldest']} are gone, {after} was the last.")
            for item in page["items"]:
                after = item["seq"]
                yield Record(item, key=str(after), offset={"seq": after})
            if not page["items"]:
                if not self.config.follow:
                    return
                await asyncio.sleep(self.config.poll)

    async def committed(self, partition: Any, offset: Any) -> None:
        await self.ask("/ack", shard=partition["shard"], seq=seq_of(offset))

    async def page(self, partition: Any, after: int) -> Any:
        limit = self.config.page
        return await self.ask("/items", shard=partition["shard"], after=after, limit=limit)

    async def ask(self, path: str, **query: Any) -> Any:
        """Ask the far side; whatever goes wrong on the way is a Retry."""
        try:
            async with asyncio.timeout(self.config.timeout):
                target = f"{path}?{urlencode(query)}"
                status, headers, body = await self.fetch(target)
                found = self.parsed(body) if status == 200 else None
        except UNREADABLE as error:
            raise Retry(f"{path}: {type(error).__name__}: {error}") from error
        if found is None:
            after = headers.get("retry-after")
            raise Retry(f"{path}: {status}", after=float(after) if after else None)
        return found

    async def fetch(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """GET, with as little HTTP as the far side needs."""
        parts = urlsplit(self.config.url)
        tls = self.tls() if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls)
        try:
            head = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {self.secret()}\r\n\r\n"
            writer.write(head.encode())
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:-2])
            }
            length = int(headers["content-length"])
            if length > self.largest:
                raise ValueError(f"an answer of {length} bytes")
            return int(lines[0].split()[1]), headers, await reader.readexactly(length)
        finally:
            writer.close()

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def parsed(self, body: bytes) -> Any:
        """Return the JSON of an answer, which msgspec keeps from being NaN or half a character."""
        return msgspec.json.decode(body, type=dict[str, Any])

    def secret(self) -> str:
        return self.config.token.get_secret_value()


def seq_of(offset: Any) -> int:
    """Return the newest item of an offset; the first release called it `n`."""
    seq: int = offset.get("seq", offset.get("n"))
    return seq


class Paced(Lawful):
    """The same, with a token for every request."""

    async def ask(self, path: str, **query: Any) -> Any:
        await self.context.pace(self.budget(**query), 100.0)
        return await super().ask(path, **query)

    def budget(self, **_: Any) -> str:
        return "lawful"


class Items:
    """The far side: shards of items, which it forgets when they are acknowledged, if it `prunes`."""

    prunes = False
    follow = False

    def __init__(self) -> None:
        self.server = HttpUpstream(self.answer)
        self.acknowledged = dict.fromkeys(range(SHARDS), 0)
        self.kind = "none"

    async def __aenter__(self) -> Items:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.server.__aexit__(kind)

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    def config(self) -> dict[str, Any]:
        url = self.server.url
        return {"url": url, "token": TOKEN, "timeout": 1.0, "follow": self.follow}

    def expected(self) -> list[Any]:
        return [item(shard, n) for shard in range(SHARDS) for n in range(1, ITEMS + 1)]

    async def fault(self, kind: str) -> None:
        self.kind = kind
        if kind != "prune":
            await self.server.fault(kind)

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return Response(401, "{}")
        query = {name: int(value) for name, value in request.query.items()}
        shard = query["shard"]
        if request.path == "/ack":
            self.acknowledged[shard] = max(self.acknowledged[shard], query["seq"])
            return Response(body="{}")
        first = self.acknowledged[shard] if self.prunes else 0
        first = max(first, 5 if self.kind == "prune" else 0)
        found = [item(shard, n) for n in range(max(first, query["after"]) + 1, ITEMS + 1)]
        body = {"items": found[: query["limit"]], "oldest": first + 1}
        return Response(body=json.dumps(body))


def item(shard: int, number: int) -> dict[str, Any]:
    return {"seq": number, "shard": shard, "text": f"item {number}"}
