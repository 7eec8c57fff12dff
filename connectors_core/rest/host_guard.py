"""HostGuard: answers only to the names it was started with.

A page in a browser can make a name of its own stand for 127.0.0.1 and read what is served there
(DNS rebinding); its requests still carry that name in Host.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors_core.rest.refusal import refused

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HostGuard:
    """Wraps an application. `names` are allowed beside those of the loopback interface."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {name.strip("[]").lower() for name in (*LOOPBACK, *names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _name(Headers(scope=scope).get("host", "")) in self._names:
            await self._app(scope, receive, send)
            return
        response = refused(
            421, "The name in Host is not one of this server's. Start it with --allowed-host NAME."
        )
        await response(scope, receive, send)


def _name(host: str) -> str:
    """Return the name of a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
