"""WebSocketUpstream: a scripted WebSocket server for fake upstreams (RFC 6455)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeAlias

from connectors_core.testing.upstream.gate import Gate
from connectors_core.testing.upstream.request import Request

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

Talk: TypeAlias = "Callable[[ServerConnection], Awaitable[None]]"


class WebSocketUpstream:
    """`async with WebSocketUpstream(talk) as server:` answers on `server.url` until the block ends.

    `talk(connection)` is called for every client; when it returns, the connection is closed. Needs
    the package `websockets`. `fault(kind)` does harm to the connections, handshakes included, and to
    the messages; `requests` has the handshakes.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def __aenter__(self) -> Self:
        from websockets.asyncio.server import serve

        quiet = logging.getLogger("connectors_core.testing.upstream.websocket")
        quiet.setLevel(logging.CRITICAL)  # what goes wrong here is what the test is about
        self._server = await serve(
            self._serve, "127.0.0.1", 0, ping_interval=None, close_timeout=1, logger=quiet
        )
        [listener] = self._server.sockets
        self._gate = Gate(listener.getsockname()[1])
        await self._gate.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._gate.__aexit__(None)
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Return `ws://127.0.0.1:<port>`; wss under `bad-tls`."""
        return self._gate.ws_url

    @property
    def requests(self) -> list[Request]:
        """The handshakes that were asked for, in the order of arrival."""
        return self._gate.requests

    async def fault(self, kind: str) -> None:
        """Do this harm to every connection until `none`; as `HttpUpstream.fault`."""
        await self._gate.fault(kind)

    async def _serve(self, connection: ServerConnection) -> None:
        from websockets import ConnectionClosed

        with suppress(ConnectionClosed):
            await self._talk(connection)
