"""Door: takes connections on 127.0.0.1 for fake upstreams; it can be shut and opened again."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SHAKE_SECONDS, LEAVE_SECONDS = 30.0, 1.0
"""How long a handshake of TLS may take, and its goodbye."""


class Door:
    """Serves every connection with `serve` in a task of its own, on `port` once it was opened.

    With `tls` it speaks TLS; `plain` counts those who then spoke HTTP without. It accepts by
    itself, because asyncio's own server loses, and leaks, a connection that it accepts in the
    instant in which it is closed.
    """

    def __init__(self, serve: Serve, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port
        self.tls: ssl.SSLContext | None = None
        self.plain = 0
        self._serve = serve
        self._listener: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._waiting: set[socket.socket] = set()

    def open(self) -> None:
        """Take connections, on the same port as before. Raises OSError if somebody has it by now."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((self.host, self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept)

    def shut(self) -> None:
        """Refuse connections from now on; those that are there stay."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def close(self) -> None:
        """Shut, and end every connection."""
        self.shut()
        await self.hang_up()

    async def hang_up(self) -> None:
        """End every connection that is there."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self) -> None:
        if self._listener is None:
            return
        with suppress(BlockingIOError, ConnectionError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            # asyncio does it only for sockets that say they are TCP, and this one says 0: without
            # it each answer of two writes waits 40 ms for an acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.get_running_loop().create_task(self._welcome(connection))
            self._serving.add(task)
            self._waiting.add(connection)
            task.add_done_callback(partial(self._served, connection))

    def _served(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if connection in self._waiting:  # cancelled before it began
            self._waiting.discard(connection)
            connection.close()

    async def _welcome(self, connection: socket.socket) -> None:
        self._waiting.discard(connection)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, **self._secured()
            )
        except asyncio.CancelledError:
            connection.close()
            raise
        except OSError as error:
            # The client went away, or does not trust us, which is its right.
            self.plain += getattr(error, "reason", "") == "HTTP_REQUEST"
            connection.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _secured(self) -> dict[str, Any]:
        if self.tls is None:
            return {}
        return {
            "ssl": self.tls,
            "ssl_handshake_timeout": SHAKE_SECONDS,
            "ssl_shutdown_timeout": LEAVE_SECONDS,
        }
