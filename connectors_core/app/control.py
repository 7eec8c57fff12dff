"""The control socket of a running worker: one JSON line each way, on a Unix socket of its owner."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError, PyconnectError

SOCKET = "control.sock"
SECONDS = 10.0
_LINE_BYTES = 64 * 1024
Answer = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class ControlServer:
    """Answers `status`, `pause`, `resume`, `restart` while a worker runs. Mode 0600."""

    def __init__(self, data_dir: Path, answer: Answer) -> None:
        self._path = data_dir / SOCKET
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. The caller owns the data directory, so that a socket found there is a dead one."""
        with _short(self._path) as path:
            Path(path).unlink(missing_ok=True)  # noqa: ASYNC240 - one call, before anything runs
            before = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, path, limit=_LINE_BYTES)
            except OSError as error:
                raise ConfigError(
                    f"can't listen on {self._path}: {error}. Give a shorter --data-dir, on a local"
                    " file system.",
                    code="control.socket",
                ) from error
            finally:
                os.umask(before)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                reply = await self._reply(await reader.readline())
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            return
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            return await self._answer(request)
        except PyconnectError as error:
            return {"error": str(error), "code": error.code}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return {"error": f"not a request: {error!r}", "code": "control.request"}


def control(data_dir: Path, command: str, connector: str | None = None) -> dict[str, Any]:
    """Ask the worker that runs in `data_dir`. Raises ConfigError if none does, or it refuses."""
    request = json.dumps({"command": command, "connector": connector}).encode() + b"\n"
    try:
        with _short(data_dir / SOCKET) as path, socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            client.connect(path)
            client.sendall(request)
            with client.makefile("rb") as stream:
                line = stream.readline()
        reply: dict[str, Any] = json.loads(line)  # no line at all is no JSON either
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise ConfigError(
            f"no worker runs in {data_dir}. Start one with `pyconnect run`, or name its"
            " --data-dir.",
            code="control.no-worker",
        ) from error
    except (OSError, ValueError) as error:
        raise PyconnectError(
            f"the worker in {data_dir} did not answer: {error}.", code="control.silent"
        ) from error
    if "error" in reply:
        raise ConfigError(str(reply["error"]), code=str(reply.get("code", "control")))
    return reply


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a path short enough for a Unix socket (about 100 bytes), however deep the directory."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        link = f"/proc/self/fd/{folder}/{path.name}"
        usable = len(os.fsencode(path)) > 90 and stat.S_ISDIR(os.fstat(folder).st_mode)
        yield link if usable and Path("/proc/self/fd").is_dir() else os.fspath(path)
    finally:
        os.close(folder)
