"""Server-sent events for fake upstreams (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from connectors_core.testing.upstream.response import Response


def event(data: str, *, name: str = "", identity: str = "", retry_ms: int | None = None) -> bytes:
    """Return one event as it is sent; each line of `data` is a line of its own."""
    fields = [("event", name), ("id", identity)]
    lines = [f"{field}: {value}" for field, value in fields if value]
    lines += [] if retry_ms is None else [f"retry: {retry_ms}"]
    lines += [f"data: {line}" for line in data.split("\n")]
    return "\n".join([*lines, "", ""]).encode()


def event_stream(events: Iterable[bytes], *, ends: bool = False) -> Response:
    """Return an answer that sends events, and then ends or stays silent."""
    return Response(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"},
        chunks=_chunks(events, ends),
    )


async def _chunks(events: Iterable[bytes], ends: bool) -> AsyncIterator[bytes]:
    for each in events:
        yield each
    if not ends:
        await asyncio.Event().wait()
