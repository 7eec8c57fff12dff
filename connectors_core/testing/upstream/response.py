"""Response: what a fake upstream answers, right or broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

BODILESS = {204, 304}


@dataclass(slots=True)
class Response:
    """What to answer, after `delay` seconds.

    `chunks` are sent chunk-encoded after `body`; an async iterator that never ends is a server that
    never ends. `raw` is sent as it is instead of a head and a body, followed by `chunks` as they
    are: the way to break the protocol. `close` ends the connection afterwards, else it stays.
    """

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    raw: bytes | None = None
    chunks: AsyncIterator[bytes] | None = None
    close: bool = False

    def head(self, length: int) -> bytes:
        """Return the status line and the headers for a body of `length` bytes."""
        headers = {"Content-Type": "text/plain; charset=utf-8", **self.headers}
        if self.chunks is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif self.status not in BODILESS:
            headers.setdefault("Content-Length", str(length))
        if self.close:
            headers["Connection"] = "close"
        known = self.status in HTTPStatus._value2member_map_
        phrase = HTTPStatus(self.status).phrase if known else "Status"
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
