"""Replay: sends what a recording received; and KIS's desk that hands out approval keys."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self

import websockets
from websockets.asyncio.server import ServerConnection, serve

from connectors_core.testing import HttpUpstream, Request, Response

APPROVAL = "playground-approval-key"
APP_KEY, APP_SECRET = "playground-app-key", "playground-app-secret"


def overlay(port: int, rest_url: str) -> dict[str, Any]:
    """Return the options that point a connector of any provider at servers of this machine."""
    return {
        "base_url": f"ws://127.0.0.1:{port}/ws",
        "rest_url": rest_url,
        "app_key": APP_KEY,
        "app_secret": APP_SECRET,
    }


def approval(request: Request) -> Response:
    """Answer POST /oauth2/Approval."""
    asked = json.loads(request.body)
    if (asked.get("appkey"), asked.get("secretkey")) == (APP_KEY, APP_SECRET):
        return Response(body=json.dumps({"approval_key": APPROVAL}))
    refusal = {"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."}
    return Response(403, json.dumps(refusal))


class Replay:
    """`async with Replay(path) as replay:` sends what a recording received, byte for byte.

    A recording is JSON lines: `dir` in, `raw` text or `b64` bytes, `binary_frame` true for a
    binary frame. It starts with the client's first message; `only` chooses lines. `sent` is set
    when all is sent; the connection stays.
    """

    def __init__(
        self, path: str | Path, only: Callable[[dict[str, Any]], bool] = lambda line: True
    ) -> None:
        self.sent = asyncio.Event()
        self.frames = [frame for line in recorded(path) if only(line) for frame in [_frame(line)]]

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self._http = await self._stack.enter_async_context(HttpUpstream(self._rest))
        server = await self._stack.enter_async_context(serve(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def config(self) -> dict[str, Any]:
        """Return the options to lay over a connector's. There is no history."""
        return overlay(self.port, self._http.url)

    def _rest(self, request: Request) -> Response:
        return approval(request) if request.path == "/oauth2/Approval" else Response(410, "{}")

    async def _serve(self, socket: ServerConnection) -> None:
        with suppress(websockets.ConnectionClosed):
            await socket.recv()
            for frame in self.frames:
                await socket.send(frame)
            self.sent.set()
            await socket.wait_closed()


def recorded(path: str | Path) -> list[dict[str, Any]]:
    """Return the `in` lines of a recording."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line.get("dir") == "in"]


def _frame(line: dict[str, Any]) -> str | bytes:
    if "b64" in line:
        return base64.b64decode(line["b64"])
    text: str = line["raw"]
    return text.encode() if line.get("binary_frame") else text
