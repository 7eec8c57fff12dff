"""HttpClient: asks an HTTP API in its time and at its pace; every failure is sorted."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, TypeVar

import httpx

from connectors_core.api.errors import ConfigError, PyconnectError, Retry
from connectors_core.api.source import SourceContext
from connectors_core.clients.config import HttpConfig
from connectors_core.clients.headers import NONE, sendable
from connectors_core.clients.parse import ANYTHING, parse
from connectors_core.clients.refusal import one_line, place, refusal

LARGEST = 8 << 20
"""Bytes of an answer, unpacked."""
T = TypeVar("T")
Params = Mapping[str, str | int | float | bool | Sequence[str | int | float | bool | None] | None]
"""The query: a list gives its name once for each value."""
_UNSENT = (httpx.InvalidURL, httpx.LocalProtocolError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` are found whatever the case of their names; `place` is for errors."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    place: str

    def json(self, kind: type[T] = ANYTHING) -> T:
        """Return the body as JSON. Raises Retry if it is none, or not of that kind: a proxy's page
        passes. `kind` is any type that msgspec knows: `list`, `dict`, a TypedDict, a dataclass."""
        return parse(self.body, kind, f"{self.place}: the answer")


class HttpClient:
    """`async with HttpClient(self.config, self.context) as client:` asks below `config.url`.

    Each request takes a token of the worker's budget for that host (`context.pace`); a Retry-After
    makes all who share it wait (`context.hold`). No redirect is followed. Use it on one loop.
    `headers` go with every request.
    """

    def __init__(
        self,
        config: HttpConfig,
        context: SourceContext,
        *,
        headers: Mapping[str, str] = NONE,
    ) -> None:
        self._config = config
        self._context = context
        self._base = _base(config.url)
        self._budget = f"http {_origin(self._base)}"
        self._timeout = config.timeout_ms / 1000
        self._headers = sendable(headers, place(config.url))
        self._secret = config.token.get_secret_value() if config.token else ""
        if self._secret:
            self._headers["Authorization"] = f"Bearer {self._secret}"

    async def __aenter__(self) -> Self:
        _quiet()
        self._http = httpx.AsyncClient(
            headers=self._headers,
            timeout=self._timeout,
            verify=await asyncio.to_thread(_tls),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(
        self,
        path: str = "",
        *,
        params: Params = NONE,
        headers: Mapping[str, str] = NONE,
        expects: Collection[int] = (),
    ) -> Answer:
        """GET; see `request`."""
        return await self.request("GET", path, params=params, headers=headers, expects=expects)

    async def request(
        self,
        method: str,
        path: str = "",
        *,
        params: Params = NONE,
        headers: Mapping[str, str] = NONE,
        json: Any = None,
        content: str | bytes | None = None,
        expects: Collection[int] = (),
    ) -> Answer:
        """Return the answer if its status is 2xx, 304 or among `expects`.

        `path` is below `config.url`, or a whole URL of that host, as in a link to the next page.
        `params` are the query, instead of that in `path`; the body is `json`, unless None, or
        `content`. Raises Retry for what passes: no whole answer within `config.timeout_ms`, 408, 425, 429 and
        5xx; ConfigError for other statuses, redirects too. No error shows a query, a header or a
        body.
        """
        sent = sendable(headers, place(self._config.url))
        # httpx takes the query off the path for params that are empty.
        given = {"params": params or None, "headers": sent, "json": json, "content": content}
        asked = self._made(method, path, given)
        where = place(str(asked.url))
        await self._context.pace(self._budget, self._config.per_second)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(asked, where)
        except TimeoutError:
            said = f"{where}: no whole answer in {self._timeout:g} s."
            raise Retry(said, code="retry.network") from None
        except _UNSENT:  # whose texts show headers
            raise ConfigError(
                "the request can't be sent. Check `url`, and the headers.",
                code="config.request",
                place=where,
            ) from None
        except httpx.HTTPError as error:
            # `from None`: httpx's error holds the request, and with it the token.
            said = f"{type(error).__name__} {one_line(error, self._secret)}".strip()
            raise Retry(f"{where}: no answer: {said}.", code="retry.network") from None
        if answer.status not in expects and answer.status != 304 and not 200 <= answer.status < 300:
            raise self._refused(asked, answer)
        return answer

    def _made(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Request:
        try:
            asked = self._http.build_request(method, self._url(path), **request)
        except httpx.InvalidURL:
            raise ConfigError(
                f"{one_line(path, self._secret)!r} is no path.",
                code="config.request",
                place=place(self._config.url),
            ) from None
        if _origin(asked.url) != _origin(self._base):
            raise ConfigError(
                f"leads to {_origin(asked.url)}, and the token is for `url` alone.",
                code="config.request",
                place=place(self._config.url),
            )
        return asked

    def _url(self, path: str) -> str:
        if not path or "://" in path.partition("?")[0]:
            return path or self._config.url
        return f"{self._config.url.rstrip('/')}/{path.lstrip('/')}"

    async def _answer(self, asked: httpx.Request, where: str) -> Answer:
        response = await self._http.send(asked, stream=True)
        try:
            if "," in response.headers.get("Content-Encoding", ""):
                # Each may unpack to a thousand times its size, before anybody can count.
                raise PyconnectError(
                    "the answer is compressed more than once, which nobody has asked for.",
                    code="http.encoding",
                    place=where,
                )
            body = bytearray()
            async for chunk in response.aiter_bytes(1 << 16):
                body += chunk
                if len(body) > LARGEST:
                    raise PyconnectError(
                        f"the answer has more than {LARGEST >> 20} MiB. Ask for smaller pages.",
                        code="http.too-large",
                        place=where,
                    )
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, bytes(body), where)

    def _refused(self, asked: httpx.Request, answer: Answer) -> Retry | ConfigError:
        error = refusal(str(asked.url), answer.status, answer.headers)
        if isinstance(error, Retry) and error.after is not None:
            self._context.hold(self._budget, error.after)
        return error


def _quiet() -> None:
    """Keep httpx from writing each URL, with its query, at INFO (invariant 9)."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


@cache
def _tls() -> ssl.SSLContext:
    """Return the one TLS context of this process: the certificates take 20 ms to load."""
    return httpx.create_ssl_context()


def _base(url: str) -> httpx.URL:
    try:
        found = httpx.URL(url)
        found.host  # noqa: B018 - a name that can't be told fails here, not amid a request
        return found
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ConfigError(
            f"can't be asked: {one_line(error)}. Check `url`.",
            code="config.request",
            place=place(url),
        ) from None


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
