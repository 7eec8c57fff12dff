"""Gate: stands before a server of HTTP or WebSockets, and does harm in its place when told to."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from connectors_core.testing.http import HttpUpstream
from connectors_core.testing.response import Response

CHUNK = 1 << 16


class Gate(HttpUpstream):
    """`async with Gate(port) as gate:` leads from `gate.port` to another port of this machine.

    Under a `fault` it answers itself, and `requests` has what was asked meanwhile.
    """

    def __init__(self, port: int) -> None:
        super().__init__(lambda _: Response(502))
        self._to = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault != "none":
            await super()._serve(reader, writer)
            return
        from_server, to_server = await asyncio.open_connection(self.door.host, self._to)
        ways = [
            asyncio.create_task(_pump(reader, to_server)),
            asyncio.create_task(_pump(from_server, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_server.close()  # first: what follows may be cancelled
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            with suppress(ConnectionError):
                await to_server.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
