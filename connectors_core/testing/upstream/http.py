"""A tiny HTTP/1.1 server for fake upstreams and hostile servers: 127.0.0.1, a free port, stdlib."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Self, TypeAlias

from connectors_core.testing.law import Broken
from connectors_core.testing.upstream.certificate import untrusted
from connectors_core.testing.upstream.door import Door
from connectors_core.testing.upstream.faults import BAD_TLS, HOSTILE
from connectors_core.testing.upstream.harm import harm, reset
from connectors_core.testing.upstream.hostile import Spoiled, Spoiler
from connectors_core.testing.upstream.request import Request, receive
from connectors_core.testing.upstream.response import BODILESS, Response

OURS = {"none", "refused", BAD_TLS, *HOSTILE}
"""Faults under which the handler answers, if anybody."""

Handler: TypeAlias = Callable[[Request], Response | Awaitable[Response]]


class HttpUpstream:
    """`async with HttpUpstream(handler) as server:` answers on `server.url` until the block ends.

    `requests` has every request in the order of arrival, noted before the handler is asked. What a
    handler raises is answered with 500 and raised when the block ends, so that no test passes over
    it; not under hostile data, part of which may come back in a request.

    `fault(kind)` does every harm there is. Under `bad-tls` the `url` begins with https, so a
    `config()` that gives it is all that the law of TLS needs; hostile data is the handler's
    answer, with something bad in it.
    """

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.door = Door(self._serve, host)
        self._handler = handler
        self._errors: list[Exception] = []
        self._fault = "none"
        self._spoiler: Spoiler | None = None

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, without a slash at the end; https under `bad-tls`."""
        return f"http{'s' if self.secure else ''}://{self.door.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS just now, which it does under `bad-tls`."""
        return self.door.tls is not None

    @property
    def port(self) -> int:
        """The port, once the block has begun."""
        return self.door.port

    async def __aenter__(self) -> Self:
        self.door.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.door.close()
        if kind is not None:
            return
        if self._errors:
            raise self._errors[0]
        if self.door.plain:
            raise Broken(
                "under bad-tls somebody spoke HTTP without TLS. Give `url` in config(), which is"
                " https meanwhile, and let the source do what it says."
            )

    async def fault(self, kind: str) -> None:
        """Do harm of this kind (see `faults`) to every request until `fault("none")`.

        Connections that are there end, unless only the data is hostile. Raises
        NotImplementedError for a kind that it can't do.
        """
        if kind not in OURS:
            harm(kind)
        self._spoiler = Spoiler(kind) if kind in HOSTILE else None
        stays = {kind, self._fault} <= {"none", *HOSTILE}
        self._fault = kind
        if stays:
            return
        await self.door.close()
        self.door.tls = untrusted() if kind == BAD_TLS else None
        if kind != "refused":
            self.door.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (received := await self._receive(reader)) is not None:
                request, _ = received
                response = await self._answer(request)
                await asyncio.sleep(response.delay)
                await self._send(writer, request, response)
                if self._fault == "reset":
                    reset(writer.get_extra_info("socket"))
                if response.close:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is its right

    async def _receive(self, reader: asyncio.StreamReader) -> tuple[Request, bytes] | None:
        """Return the next request with its head; it is noted as soon as it is there."""
        received = await receive(reader, self.secure)
        if received is not None:
            self.requests.append(received[0])
        return received

    async def _answer(self, request: Request) -> Response:
        if self._fault not in OURS:
            return harm(self._fault)
        try:
            response = self._handler(request)
            return await response if inspect.isawaitable(response) else response
        except Exception as error:  # noqa: BLE001 - raised when the block ends
            self._errors += [error] if self._spoiler is None else []
            return Response(500, f"{type(error).__name__}: {error}", close=True)

    async def _send(
        self, writer: asyncio.StreamWriter, request: Request, response: Response
    ) -> None:
        text = response.body.encode() if isinstance(response.body, str) else response.body
        spoiler = None if response.status // 100 != 2 else self._spoiler
        framed = response.raw is None
        body = spoiler(text) if spoiler and framed and text else Spoiled(text)
        writer.write(response.head(len(body)) if response.raw is None else response.raw)
        silent = request.method == "HEAD" or response.status in BODILESS
        if framed and not silent:
            await _write(writer, body, framed=response.chunks is not None)
        await writer.drain()
        if response.chunks is None or (framed and silent):
            return
        async with aclosing(_generator(response.chunks)) as chunks:
            async for chunk in chunks:
                part = spoiler.part(chunk) if spoiler and framed else Spoiled(chunk)
                await _write(writer, part, framed)
        if framed:
            writer.write(_frame(b""))
            await writer.drain()


async def _write(writer: asyncio.StreamWriter, data: Spoiled, framed: bool) -> None:
    for piece in filter(None, data):  # an empty frame is the end
        writer.write(_frame(piece) if framed else piece)
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
