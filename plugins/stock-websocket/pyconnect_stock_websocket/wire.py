"""Wire: one WebSocket connection, whose every end is a Retry or a ConfigError with its class."""

from __future__ import annotations

import asyncio
import logging
from typing import Self

import websockets
from websockets.asyncio.client import ClientConnection, connect

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.provider import Habits
from pyconnect_stock_websocket.redact import Redactor, place
from pyconnect_stock_websocket.rest import retry_after, tls

MAX_MESSAGE = 1 << 20
MAX_WAITING = 16
"""Frames that wait for us; then the socket is no longer read, and the provider feels it."""
_FATAL = {400, 401, 402, 403, 404, 405, 409, 410, 451}
_THROTTLED = {418, 429}
_BUSY_CODES = {1008, 1013}


def _quiet() -> logging.Logger:
    """Return a logger that never writes frames: a subscription may carry a key (invariant 9)."""
    logger = logging.getLogger("pyconnect_stock_websocket.wire")
    logger.setLevel(logging.INFO)
    return logger


class Wire:
    """`async with Wire(...) as wire:` connects once.

    It never reconnects by itself: it raises Retry, so that the runtime's back-off, which falls
    back only after 30 s with records, is the only one, and a server that accepts and closes is
    not stormed. Raises ConfigError for an address or a refusal that waiting does not mend.
    """

    def __init__(
        self, url: str, habits: Habits, redactor: Redactor, open_seconds: float = 10.0
    ) -> None:
        self._url = url
        self._habits = habits
        self._redactor = redactor
        self._open_seconds = open_seconds
        self._place = place(url)

    async def __aenter__(self) -> Self:
        try:
            self._socket: ClientConnection = await connect(
                self._url,
                ssl=await asyncio.to_thread(tls) if self._url.startswith("wss:") else None,
                proxy=None,
                open_timeout=self._open_seconds,
                # Messages that wait unread keep the answer to our Close away: a stop waits all
                # of this.
                close_timeout=0.25,
                ping_interval=self._habits.transport_ping,
                max_size=MAX_MESSAGE,
                max_queue=MAX_WAITING,
                logger=_quiet(),
            )
        except websockets.InvalidStatus as error:
            raise self._refused(error) from None
        except (websockets.InvalidURI, ValueError):
            raise ConfigError(
                f"{self._place} is not a WebSocket address. Write ws:// or wss:// and a host.",
                code="config.stock.url",
            ) from None
        except (websockets.WebSocketException, OSError, EOFError) as error:
            raise self._lost(type(error).__name__, error) from None
        self._ping_due = self._now() + self._habits.ping_seconds
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def send(self, text: str) -> None:
        """Send a text message."""
        try:
            await self._socket.send(text)
        except websockets.ConnectionClosed as closed:
            raise self._closed(closed) from None

    async def receive(self, patience: float | None = None) -> str | bytes | None:
        """Return the next message, or None if none came within `patience` seconds.

        Sends the provider's own ping when it is due. The deadline counts from this call: time
        in which we did not ask is not the provider's silence.
        """
        deadline = self._now() + self._habits.message_seconds
        until = deadline if patience is None else min(deadline, self._now() + patience)
        while self._now() < until:
            if self._habits.ping is not None and self._now() >= self._ping_due:
                self._ping_due = self._now() + self._habits.ping_seconds
                await self.send(self._habits.ping)
            message = await self._next(min(until, self._next_ping(until)))
            if message is not None:
                return message
        if until < deadline:
            return None
        raise Retry(
            f"{self._place}: nothing came for {self._habits.message_seconds:g} s.",
            code="retry.silent",
        )

    def _next_ping(self, otherwise: float) -> float:
        return otherwise if self._habits.ping is None else self._ping_due

    async def _next(self, when: float) -> str | bytes | None:
        try:
            async with asyncio.timeout_at(when):
                return await self._socket.recv()
        except TimeoutError:
            return None
        except websockets.ConnectionClosed as closed:
            raise self._closed(closed) from None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _closed(self, error: websockets.ConnectionClosed) -> Retry:
        """A clean close is no end of the feed either."""
        code = error.rcvd.code if error.rcvd else 1006
        reason = self._redactor.clean(error.rcvd.reason) if error.rcvd else ""
        after = 30.0 if code in _BUSY_CODES else None
        return Retry(
            f"{self._place}: closed {code} {reason}".rstrip() + ".",
            after=after,
            code="retry.closed",
        )

    def _lost(self, what: str, error: Exception) -> Retry:
        detail = self._redactor.clean(error).replace(self._url, self._place)
        return Retry(f"{self._place}: {what} {detail}".rstrip(), code="retry.network")

    def _refused(self, error: websockets.InvalidStatus) -> Retry | ConfigError:
        status = error.response.status_code
        text = f"{self._place}: refused with HTTP {status}."
        if status in _THROTTLED or status in self._habits.blocked:
            default = self._habits.blocked_seconds if status != 429 else 30.0
            seconds = retry_after(error.response.headers.get("Retry-After"), default)
            return Retry(text, after=seconds, code="retry.throttled")
        if status in _FATAL:
            return ConfigError(
                f"{text} Check the address, the key and the plan.", code="config.stock.refused"
            )
        return Retry(text, code="retry.upstream")
