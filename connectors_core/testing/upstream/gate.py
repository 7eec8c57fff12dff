"""Gate: stands before a server of HTTP or WebSockets, and does harm in its place when told to."""

from __future__ import annotations

import asyncio

from connectors_core.testing.upstream.http import OURS, HttpUpstream
from connectors_core.testing.upstream.relay import Relay
from connectors_core.testing.upstream.response import Response


class Gate(HttpUpstream):
    """`async with Gate(port) as gate:` leads from `gate.url` to another port of this machine.

    Under a `fault` it answers itself, speaks TLS in the server's place, or spoils what the server
    sends. `requests` has all that came, handshakes of WebSockets among them. It asks the server for
    no compression.
    """

    def __init__(self, port: int) -> None:
        super().__init__(lambda _: Response(502))
        self._to = port

    @property
    def ws_url(self) -> str:
        """Return `ws://127.0.0.1:<port>`; wss under `bad-tls`."""
        return self.url.replace("http", "ws", 1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault not in OURS:
            await super()._serve(reader, writer)
            return
        server = await asyncio.open_connection(self.door.host, self._to)
        await Relay((reader, writer), server, self._receive, lambda: self._spoiler).run()
