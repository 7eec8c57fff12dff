"""WebSocketClient: one connection to a feed, whose every end is a Retry or a ConfigError."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self, TypeVar

import websockets
from websockets.asyncio.client import ClientConnection, connect

from connectors_core.api.errors import ConfigError, Retry
from connectors_core.clients.config import WebSocketConfig
from connectors_core.clients.headers import NONE, sendable
from connectors_core.clients.parse import ANYTHING, parse
from connectors_core.clients.refusal import one_line, place, refusal

PING_SECONDS = 20.0
"""Between two pings, and for the answer to one: a connection that died shows in 40 s."""
CLOSE_SECONDS = 0.25
"""Messages that wait unread keep the answer to our Close away: a stop waits all of this."""
T = TypeVar("T")
LARGEST = 1 << 20
"""Bytes of a message."""


class WebSocketClient:
    """`async with WebSocketClient(self.config) as socket:` connects once.

    It never connects anew by itself: it raises Retry, so that `read` begins again from the offset,
    after the runtime's back-off. At most 16 messages wait to be received; then the far side has to.
    `headers` go with the handshake. No redirect is followed.
    """

    def __init__(self, config: WebSocketConfig, *, headers: Mapping[str, str] = NONE) -> None:
        self._config = config
        self._place = place(config.url)
        self._silence = config.silence_ms / 1000
        self._headers = sendable(headers, self._place)
        self._secret = config.token.get_secret_value() if config.token else ""
        if self._secret:
            self._headers["Authorization"] = f"Bearer {self._secret}"

    async def __aenter__(self) -> Self:
        """Connect. Raises Retry for what passes, ConfigError for a refusal that does not."""
        try:
            self._socket: ClientConnection = await _Connect(
                self._config.url,
                additional_headers=self._headers,
                open_timeout=self._config.timeout_ms / 1000,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                close_timeout=CLOSE_SECONDS,
                max_size=LARGEST,
                logger=_quiet(),
            )
        except websockets.InvalidStatus as error:
            answer = error.response
            # As a map: a name that came twice is an error of websockets' own.
            headers = {name.title(): value for name, value in answer.headers.raw_items()}
            raise refusal(self._config.url, answer.status_code, headers) from None
        except ValueError as error:  # of the name of the host
            said = f"can't be asked: {one_line(error, self._secret)}. Check `url`."
            raise ConfigError(said, code="config.request", place=self._place) from None
        except (websockets.WebSocketException, OSError, EOFError) as error:
            said = f"{type(error).__name__} {one_line(error, self._secret)}".strip()
            raise Retry(f"{self._place}: no connection: {said}.", code="retry.network") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close, or cut the connection off if the far side takes no part in that."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * CLOSE_SECONDS):
                    await self._socket.close()
        finally:
            self._socket.transport.abort()

    async def send(self, message: str | bytes) -> None:
        """Send a message: text, or binary."""
        try:
            await self._socket.send(message)
        except websockets.ConnectionClosed as closed:
            raise self._closed(closed) from None

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON text."""
        await self.send(json.dumps(value, ensure_ascii=False))

    async def receive(self) -> str | bytes:
        """Return the next message. Raises Retry if the connection is closed, in order or not, and
        if nothing came for `config.silence_ms`, counted from this call."""
        try:
            async with asyncio.timeout(self._silence):
                return await self._socket.recv()
        except TimeoutError:
            said = f"{self._place}: nothing came for {self._silence:g} s."
            raise Retry(said, code="retry.silent") from None
        except websockets.ConnectionClosed as closed:
            raise self._closed(closed) from None

    async def receive_json(self, kind: type[T] = ANYTHING) -> T:
        """Return the next message as JSON. Raises Retry as `receive`, and for what is no JSON, or not
        of that kind, as in `Answer.json`.

        Where a message that can't be read is to be a Reject, use `receive`.
        """
        return parse(await self.receive(), kind, f"{self._place}: a message")

    def _closed(self, error: websockets.ConnectionClosed) -> Retry:
        """A clean close is no end of the feed either."""
        code = error.rcvd.code if error.rcvd else 1006
        reason = one_line(error.rcvd.reason, self._secret) if error.rcvd else ""
        said = f"{self._place}: closed with {code} {reason}".rstrip()
        return Retry(f"{said}.", code="retry.closed")


class _Connect(connect):
    """A redirect is an error: websockets would hand the headers to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _quiet() -> logging.Logger:
    """Return a logger that never writes frames and headers: they may hold a token (invariant 9)."""
    logger = logging.getLogger("connectors_core.clients.websocket")
    logger.setLevel(logging.INFO)
    return logger
