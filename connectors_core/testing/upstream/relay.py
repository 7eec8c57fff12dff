"""Relay: hands one connection of HTTP or a WebSocket on to a server, and spoils what comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

from connectors_core.testing.upstream.hostile import Spoiled, Spoiler
from connectors_core.testing.upstream.request import Request, headers_of
from connectors_core.testing.upstream.response import BODILESS

CHUNK = 1 << 16
COMPRESSING = ("accept-encoding:", "sec-websocket-extensions:")
"""What a client says of compression; a server that is not told sends data as it is."""
WHOLE = {0x81, 0x82}
"""First bytes of a frame that is all of a text or of a binary message (RFC 6455 5.2)."""

Receive: TypeAlias = Callable[[asyncio.StreamReader], Awaitable[tuple[Request, bytes] | None]]


class Relay:
    """Hands on until one side leaves. `receive` gives the next request with its head; `spoiler` is
    called before every answer and message, for what makes it hostile just now."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        receive: Receive,
        spoiler: Callable[[], Spoiler | None],
    ) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._receive = receive
        self._spoiler = spoiler
        self._methods: deque[str] = deque()

    async def run(self) -> None:
        """Serve the connection. The one to the server is closed in the end."""
        ways = [asyncio.create_task(each) for each in (self._ask(), self._answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._to_server.close()  # first: what follows may be cancelled
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            with suppress(OSError):
                await self._to_server.wait_closed()

    async def _ask(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while (received := await self._receive(self._from_client)) is not None:
                request, head = received
                self._methods.append(request.method)
                self._to_server.write(_plain(head) + request.body)
                await self._to_server.drain()
                if {"upgrade", "transfer-encoding"} & {*request.headers}:
                    await _pump(self._from_client, self._to_server)
                    return

    async def _answer(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self._one_answer():
                pass

    async def _one_answer(self) -> bool:
        """Hand on one answer; False if the connection is of no use for another."""
        head = await self._from_server.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1")[:-4].split("\r\n")
        status, headers = int(first.split()[1]), headers_of(lines)
        if status >= 200 and "chunked" not in headers.get("transfer-encoding", ""):
            return await self._body(head, status, headers)
        self._to_client.write(head)
        await self._to_client.drain()
        if status == 101:
            await self._frames()
        elif status >= 200:
            await self._chunks()
        return status != 101

    async def _body(self, head: bytes, status: int, headers: Mapping[str, str]) -> bool:
        """Hand on an answer with its body; False if it ends with the connection."""
        length = headers.get("content-length")
        if self._methods.popleft() == "HEAD" or status in BODILESS:
            self._to_client.write(head)
            await self._to_client.drain()
            return True
        if length is None:
            self._to_client.write(head)
            while body := await self._from_server.read(CHUNK):
                await self._send(self._spoiled_part(body))
            return False
        body = await self._from_server.readexactly(int(length))
        data = self._spoiled(body) if status < 300 and body else Spoiled(body)
        self._to_client.write(_of_length(head, len(data)))
        await self._send(data)
        return True

    async def _chunks(self) -> None:
        self._methods.popleft()
        while size := int(await self._from_server.readuntil(b"\r\n"), 16):
            chunk = await self._from_server.readexactly(size + 2)
            for piece in filter(None, self._spoiled_part(chunk[:-2])):
                self._to_client.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await self._to_client.drain()
        await self._from_server.readuntil(b"\r\n")
        self._to_client.write(b"0\r\n\r\n")

    async def _frames(self) -> None:
        """Hand on frames of a WebSocket; a server masks none of them (RFC 6455 5.1).

        One message of a connection is huge at most: who refuses it must still come to hear that the
        other side has closed.
        """
        huge = False
        while True:
            start = await self._from_server.readexactly(2)
            size = {126: 2, 127: 8}.get(start[1], 0)
            length = int.from_bytes(await self._from_server.readexactly(size)) if size else start[1]
            payload = await self._from_server.readexactly(length)
            whole = start[0] in WHOLE and not huge
            data = self._spoiled(payload) if whole else Spoiled(payload)
            huge = huge or bool(data.times)
            self._to_client.write(start[:1] + _length(len(data)))
            await self._send(data)

    def _spoiled(self, data: bytes) -> Spoiled:
        spoiler = self._spoiler()
        return Spoiled(data) if spoiler is None else spoiler(data)

    def _spoiled_part(self, chunk: bytes) -> Spoiled:
        spoiler = self._spoiler()
        return Spoiled(chunk) if spoiler is None else spoiler.part(chunk)

    async def _send(self, data: Spoiled) -> None:
        for piece in data:
            self._to_client.write(piece)
            await self._to_client.drain()


def _plain(head: bytes) -> bytes:
    """Return the head of a request that asks for no compression."""
    lines = head.split(b"\r\n")
    kept = [each for each in lines if not each.decode("latin-1").lower().startswith(COMPRESSING)]
    return b"\r\n".join(kept)


def _of_length(head: bytes, length: int) -> bytes:
    """Return the head of an answer with another Content-Length."""
    lines = head[:-4].split(b"\r\n")
    kept = [each for each in lines if not each.lower().startswith(b"content-length:")]
    return b"\r\n".join([*kept, b"Content-Length: %d" % length, b"", b""])


def _length(length: int) -> bytes:
    """Return the length of a frame, in as few bytes as there may be (RFC 6455 5.2)."""
    if length < 126:
        return bytes([length])
    return b"\x7e%b" % length.to_bytes(2) if length < 1 << 16 else b"\x7f%b" % length.to_bytes(8)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
