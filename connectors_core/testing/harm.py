"""Harm: what a far side does to a connection when something is wrong with it."""

from __future__ import annotations

import asyncio
import socket
import struct

SLOW_SECONDS = 0.2
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n"
_NOISE = b"\x00\xff\x17 not what the protocol says \r\n\r\n"

ON_A_CONNECTION = frozenset({"reset", "half-open", "slow", "truncated", "garbage"})
"""The faults that `do_harm` knows; to refuse a connection, nobody must listen."""


async def do_harm(kind: str, writer: asyncio.StreamWriter) -> None:
    """Answer a client as this fault does, and end the connection; `half-open` and `slow` last until
    they are cancelled or the client goes."""
    if kind == "half-open":
        await asyncio.Event().wait()
    elif kind == "reset":
        await _send(writer, _HEAD[:20])
        reset(writer)
    elif kind == "slow":
        for each in _HEAD:
            await _send(writer, bytes((each,)))
            await asyncio.sleep(SLOW_SECONDS)
    elif kind == "truncated":
        await _send(writer, _HEAD + b"{")
    elif kind == "garbage":
        await _send(writer, _NOISE)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a peer that has crashed does."""
    connection = writer.get_extra_info("socket")
    # No lingering: what is not sent is thrown away, and the other side is told at once.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
