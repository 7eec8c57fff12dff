"""A tiny HTTP/1.1 server for fake upstreams and hostile servers: 127.0.0.1, a free port, stdlib."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self, TypeAlias
from urllib.parse import parse_qsl

from connectors_core.testing.door import Door
from connectors_core.testing.harm import harm, reset
from connectors_core.testing.response import BODILESS, Response


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. `path` is not decoded; of `query` the last value of a name is kept;
    `headers` are by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


Handler: TypeAlias = Callable[[Request], Response | Awaitable[Response]]


class HttpUpstream:
    """`async with HttpUpstream(handler) as server:` answers on `server.url` until the block ends.

    `requests` has every request in the order of arrival, noted before the handler is asked. What a
    handler raises is answered with 500 and raised when the block ends, so that no test passes over
    it.
    """

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.door = Door(self._serve, host)
        self._handler = handler
        self._errors: list[Exception] = []
        self._fault = "none"

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://{self.door.host}:{self.port}"

    @property
    def port(self) -> int:
        """The port, once the block has begun."""
        return self.door.port

    async def __aenter__(self) -> Self:
        self.door.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.door.close()
        if self._errors and kind is None:
            raise self._errors[0]

    async def fault(self, kind: str) -> None:
        """Do harm of this kind (see `faults`) to every request until `fault("none")`.

        Connections that are there end. Raises NotImplementedError for a kind that it can't do.
        """
        if kind not in ("none", "refused"):
            harm(kind)
        self._fault = kind
        await self.door.close()
        if kind != "refused":
            self.door.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _receive(reader)) is not None:
                self.requests.append(request)
                response = await self._answer(request)
                await asyncio.sleep(response.delay)
                await _send(writer, request, response)
                if self._fault == "reset":
                    reset(writer.get_extra_info("socket"))
                if response.close:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is its right

    async def _answer(self, request: Request) -> Response:
        if self._fault != "none":
            return harm(self._fault)
        try:
            response = self._handler(request)
            return await response if inspect.isawaitable(response) else response
        except Exception as error:  # noqa: BLE001 - raised when the block ends
            self._errors.append(error)
            return Response(500, f"{type(error).__name__}: {error}", close=True)


async def _receive(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None if the client closed between two."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    line, *rest = head[:-4].split("\r\n")
    method, target, _ = line.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    path, _, query = target.partition("?")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body)


async def _send(writer: asyncio.StreamWriter, request: Request, response: Response) -> None:
    body = response.body.encode() if isinstance(response.body, str) else response.body
    framed = response.raw is None
    writer.write(response.head(len(body)) if response.raw is None else response.raw)
    silent = request.method == "HEAD" or response.status in BODILESS
    if framed and not silent and body:
        writer.write(_frame(body) if response.chunks is not None else body)
    await writer.drain()
    if response.chunks is None or (framed and silent):
        return
    async with aclosing(_generator(response.chunks)) as chunks:
        async for chunk in chunks:
            writer.write(_frame(chunk) if framed else chunk)
            await writer.drain()
    if framed:
        writer.write(_frame(b""))
        await writer.drain()


def _frame(chunk: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


async def _generator(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Close what can be closed when the client goes, whatever kind of iterator it is."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
