"""One client's connection through a proxy to its broker."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Protocol, TypeAlias

from tests.kafka.broker import HOST
from tests.kafka.wire import read_frame, reply_id, request_id

AHEAD = 256
"""Frames that wait in one direction before no more are read."""


Frames: TypeAlias = asyncio.Queue[tuple[float, bytes] | None]
"""Frames under way, each with the time when it is due; None after the last one."""


class Rules(Protocol):
    """What a link asks of its proxy before it passes a frame."""

    delay: float
    open: asyncio.Event

    def passes(self, request: bytes, link: Link) -> bool:
        """Say whether a request goes on to the broker."""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST: a side that is cut off learns it as a fault, not as a good-bye."""
    socket: Any = writer.get_extra_info("socket")
    with suppress(OSError):  # the other side was faster
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Link:
    """A pair of connections, client to proxy and proxy to broker, and the frames under way."""

    def __init__(
        self, rules: Rules, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.rules, self.reader, self.writer = rules, reader, writer
        self.upstream: asyncio.StreamWriter | None = None
        self.down = Frames(AHEAD)
        self.asked: dict[int, asyncio.Future[bytes]] = {}
        self.severed = asyncio.Event()
        self.ended = asyncio.Event()

    async def run(self, target: int) -> None:
        """Pass frames both ways until one side ends, or all is cut; then end both."""
        try:
            reader, self.upstream = await asyncio.open_connection(HOST, target)
        except OSError:
            self.writer.transport.abort()
            return
        up, down = Frames(AHEAD), self.down
        ends = [
            asyncio.ensure_future(self.severed.wait()),
            asyncio.ensure_future(self.write(up, self.upstream)),
            asyncio.ensure_future(self.write(down, self.writer)),
        ]
        reads = [
            asyncio.ensure_future(self.read(self.reader, up, self.request)),
            asyncio.ensure_future(self.read(reader, down, self.reply)),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*ends, *reads):
                task.cancel()
            await asyncio.gather(*ends, *reads, return_exceptions=True)
            await self.end(self.upstream)

    async def end(self, upstream: asyncio.StreamWriter) -> None:
        """Close both connections, or abort them if they were cut."""
        for future in self.asked.values():
            future.set_exception(ConnectionError("the connection ended before the answer came"))
        for writer in (self.writer, upstream):
            if self.severed.is_set():
                reset(writer)
            writer.close()
        closing = (self.writer.wait_closed(), upstream.wait_closed())
        await asyncio.gather(*closing, return_exceptions=True)

    def cut(self) -> None:
        """End both connections as a network does: at once, and with whatever was under way."""
        self.severed.set()

    def request(self, frame: bytes) -> bool:
        """Say whether a frame of the client goes on to the broker."""
        return self.rules.passes(frame, self)

    def reply(self, frame: bytes) -> bool:
        """Let every frame of the broker go on, and tell who waits for it."""
        waiting = self.asked.pop(reply_id(frame), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(frame)
        return True

    def answer(self, reply: bytes) -> None:
        """Answer a request in the broker's stead; only for one that was not passed on."""
        self.down.put_nowait((0.0, reply))

    async def ask(self, request: bytes) -> bytes:
        """Send a request of this client that was held; return the answer, which it gets as well."""
        assert self.upstream is not None
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.asked[request_id(request)] = answer
        self.upstream.write(request)
        return await answer

    async def read(
        self, reader: asyncio.StreamReader, frames: Frames, passes: Callable[[bytes], bool]
    ) -> None:
        """Take frames from one side until it ends; what came before that still arrives."""
        try:
            while True:
                frame = await read_frame(reader)
                if passes(frame):
                    await frames.put((asyncio.get_running_loop().time() + self.rules.delay, frame))
        except (asyncio.IncompleteReadError, ConnectionError):
            await frames.put(None)

    async def write(self, frames: Frames, writer: asyncio.StreamWriter) -> None:
        """Write frames when they are due, and while the proxy is open, until there are no more."""
        while (each := await frames.get()) is not None:
            due, frame = each
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            await self.rules.open.wait()
            writer.write(frame)
            await writer.drain()
