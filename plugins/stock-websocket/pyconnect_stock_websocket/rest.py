"""Rest: the HTTP side of a provider, with its errors sorted by what to do about them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import httpx

from connectors_core import Retry
from pyconnect_stock_websocket.event import parse
from pyconnect_stock_websocket.redact import Redactor, place
from pyconnect_stock_websocket.trade import Malformed

TOTAL = 3
"""Times the timeout of the client: the longest that a whole answer may take."""
MAX_BYTES = 8 << 20
_THROTTLED = {418, 429}
_PASSING = {408, 425}


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context of this process: loading the certificates takes tens of ms."""
    return httpx.create_ssl_context(trust_env=False)


async def http_client(seconds: float = 10.0) -> httpx.AsyncClient:
    """Return a client that takes nothing from the environment and follows no redirect."""
    context = await asyncio.to_thread(tls)
    return httpx.AsyncClient(verify=context, trust_env=False, timeout=seconds)


class Pacer(Protocol):
    """What of the source's context a REST client needs."""

    async def pace(self, name: str, per_second: float) -> None:
        """Wait for a token of the worker's shared budget."""
        ...

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait."""
        ...


class Refused(Exception):
    """The service answered, and the answer is no: asking again will not help."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"HTTP {status} {code} {message}".strip())
        self.status = status
        self.code = code
        self.message = message


class Rest:
    """Calls one service within its budget.

    Raises Retry for what passes (no network, 5xx, 429 and 418 with their Retry-After), Refused
    for every other answer that is not 2xx. A call takes at most three times the
    client's timeout, and 8 MiB.
    """

    def __init__(
        self, client: httpx.AsyncClient, base: str, pacer: Pacer, redactor: Redactor, rate: float
    ) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._pacer = pacer
        self._redactor = redactor
        self._rate = rate
        self._budget = f"rest:{httpx.URL(base).host}"

    async def get(self, path: str, **params: str | int) -> Any:
        """GET and return the JSON, numbers exact."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, str]) -> Any:
        """POST JSON and return the JSON."""
        return await self._call("POST", path, json=dict(body))

    async def _call(self, method: str, path: str, **content: Any) -> Any:
        await self._pacer.pace(self._budget, self._rate)
        url = f"{self._base}{path}"
        try:
            async with asyncio.timeout(TOTAL * (self._client.timeout.read or 10.0)):
                status, headers, body = await self._exchange(method, url, content)
        except (httpx.HTTPError, TimeoutError) as error:
            # `from None`: the exception holds the request, and with it the secrets of its body.
            name = type(error).__name__
            raise Retry(f"{place(url)}: no answer ({name}).", code="retry.network") from None
        return self._answer(place(url), status, headers, body)

    async def _exchange(
        self, method: str, url: str, content: dict[str, Any]
    ) -> tuple[int, httpx.Headers, bytes]:
        async with self._client.stream(method, url, **content) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes(1 << 16):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise Retry(f"{place(url)}: the answer is larger than 8 MiB.")
            return response.status_code, response.headers, bytes(body)

    def _answer(self, url: str, status: int, headers: httpx.Headers, body: bytes) -> Any:
        if status in _THROTTLED:
            seconds = retry_after(headers.get("Retry-After"), 60.0 if status == 418 else 10.0)
            self._pacer.hold(self._budget, seconds)
            raise Retry(f"{url}: HTTP {status}.", after=seconds, code="retry.throttled")
        if status >= 500 or status in _PASSING:
            raise Retry(f"{url}: HTTP {status}.", code="retry.upstream")
        try:
            answer = parse(body.decode())
        except (Malformed, UnicodeDecodeError):
            if status < 300:
                raise Retry(f"{url}: the answer is not JSON.", code="retry.upstream") from None
            answer = None
        if status >= 300:
            code, message = complaint(answer)
            raise Refused(status, self._redactor.clean(code, 40), self._redactor.clean(message))
        return answer


def retry_after(text: str | None, default: float) -> float:
    """Return the seconds of a Retry-After header; a date or nonsense gives the default."""
    if text is not None and text.strip().isascii() and text.strip().isdigit():
        return min(float(text), 86_400.0)
    return default


def complaint(answer: Any) -> tuple[str, str]:
    """Return code and message of an error body: Binance's, Upbit's and KIS's shapes."""
    if not isinstance(answer, dict):
        return "", ""
    inner = answer.get("error")
    body = inner if isinstance(inner, dict) else answer
    code = body.get("code", body.get("name", body.get("error_code", "")))
    message = body.get("msg", body.get("message", body.get("error_description", "")))
    return str(code), str(message)
