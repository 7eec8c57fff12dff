"""Wire: stands between a source and any upstream on TCP, and does harm when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

from connectors_core.testing.door import Door
from connectors_core.testing.harm import ON_A_CONNECTION, do_harm, reset

_BLOCK = 1 << 16


class Wire:
    """`async with Wire(port) as wire:` passes what comes to `wire.port` on to `port`.

    `fault(kind)` cuts the connections that are there, and treats new ones as the kind says, until
    `fault("none")`. It knows nothing of protocols: `refused`, `reset`, `half-open`, `slow`,
    `truncated` and `garbage`. `connections` counts what came.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.connections = 0
        self._target = (host, port)
        self._door = Door(self._serve, host)
        self._kind = "none"

    @property
    def port(self) -> int:
        """Where to connect instead."""
        return self._door.port

    async def __aenter__(self) -> Self:
        self._door.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._door.close()

    async def fault(self, kind: str) -> None:
        """Do this harm from now on. NotImplementedError for a kind that needs a protocol."""
        if kind not in ON_A_CONNECTION | {"none", "refused"}:
            raise NotImplementedError(kind)
        self._kind = kind
        self._door.shut()
        await self._door.hang_up()
        if kind != "refused":
            self._door.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError):
            if self._kind != "none":
                await reader.read(1)
                await do_harm(self._kind, writer)
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            try:
                await _either(_pass(reader, far_writer), _pass(far_reader, writer))
            except asyncio.CancelledError:
                reset(writer)
                raise
            finally:
                far_writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_BLOCK):
        writer.write(data)
        await writer.drain()


async def _either(*ways: Coroutine[Any, Any, None]) -> None:
    """Await until one of two directions has ended."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
