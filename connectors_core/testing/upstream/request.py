"""Request: what a fake upstream is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. `path` is not decoded; of `query` the last value of a name is kept;
    `headers` are by lower-case name. `secure`: it came over TLS, under `bad-tls`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    secure: bool = False


async def receive(
    reader: asyncio.StreamReader, secure: bool = False
) -> tuple[Request, bytes] | None:
    """Read one request; return it with its head as it was sent, None if the client is gone.

    Raises ConnectionError or IncompleteReadError for a client that leaves amid its request.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    line, *rest = head.decode("latin-1")[:-4].split("\r\n")
    method, target, _ = line.split(" ", 2)
    headers = headers_of(rest)
    path, _, query = target.partition("?")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    query_of = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method, path, query_of, headers, body, secure), head


def headers_of(lines: list[str]) -> dict[str, str]:
    """Return the headers of a head by lower-case name."""
    parts = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in parts}
