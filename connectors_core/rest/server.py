"""The server: an application on a socket, until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from connectors_core.api.errors import ConfigError

_GRACE_SECONDS = 3
_CONNECTIONS = 256


def serve(app: ASGIApp, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; blocking, on the main thread.

    `ready` is called with the URL as soon as connections are taken; port 0 takes a free one.
    Raises ConfigError if the address can't be had.
    """
    with _listening(host, port) as listener:
        ready(_url(listener))
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        asyncio.run(_serve(_Server(config), listener))


class _Server(uvicorn.Server):
    """Leaves signals alone: uvicorn would raise them again at the end, and so the exit code."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    def stop() -> None:
        server.force_exit = server.should_exit  # a second signal waits for nobody
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve(sockets=[listener])


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"can't listen on {host}:{port}: {error}. Give another --port or --host.",
            code="config.listen",
        ) from error
    with listener:
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
