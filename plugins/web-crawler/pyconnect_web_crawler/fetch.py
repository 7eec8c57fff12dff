"""One request: no redirects, no cookies, no proxy from the environment, everything bounded.

httpcore and not a client above it: what a client adds (cookies, .netrc, proxies, redirects, an
unbounded decoder) is what a crawler must not do, and the checked addresses of `PinnedBackend` need
httpcore's own door.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

import certifi
import httpcore

from pyconnect_web_crawler.address import PinnedBackend, Refused, Resolve, resolve
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.decode import ACCEPT, BadEncoding, Decoder
from pyconnect_web_crawler.url import split

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
REST_BYTES = 64 * 1024
"""How much of a body that is of no use (a redirect's, an error's) is read to keep a connection."""
KEEP_ALIVE_SECONDS = 30.0


class Failed(Exception):
    """A request that brought no whole answer; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `headers` by lower-case name, repeated ones joined with a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context of this process: loading the certificates takes up to 0.25 s."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Fetcher:
    """Connections of one crawl, at most `concurrency` of them."""

    def __init__(self, config: CrawlerConfig, resolve: Resolve = resolve) -> None:
        self._config = config
        self._backend = PinnedBackend(config.allow_private, resolve)

    async def __aenter__(self) -> Self:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=await asyncio.to_thread(tls),
            max_connections=self._config.concurrency,
            max_keepalive_connections=self._config.concurrency,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=self._backend,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch a canonical URL; at most `max_body` bytes, within `timeout` all in all.

        Raises Refused for an address or a port that is not fetched from, Failed for all that may
        go better another time.
        """
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._get(url, headers or {})
        except TimeoutError as error:
            raise Failed(f"no whole answer within {self._config.timeout:g} s") from error
        except BadEncoding as error:
            raise Failed(str(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise Failed(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        except (OSError, httpcore.UnsupportedProtocol) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error

    async def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        place = split(url)
        if place.port not in self._config.ports and not self._config.allow_private:
            raise Refused(f"port {place.port} is not fetched from. Add it to `ports`.")
        request = {
            "User-Agent": self._config.user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
            "Accept-Encoding": ACCEPT,
            **headers,
        }
        target = httpcore.URL(
            scheme=place.scheme, host=place.name, port=place.port, target=place.target
        )
        seconds = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS}
        async with self._pool.stream(
            "GET", target, headers=list(request.items()), extensions={"timeout": seconds}
        ) as response:
            return await self._read(response)

    async def _read(self, response: httpcore.Response) -> Answer:
        headers: dict[str, str] = {}
        for name, value in response.headers:
            key, text = name.decode("latin-1").lower(), _text(value)
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        useful = 200 <= response.status < 300
        decoder = Decoder(
            headers.get("content-encoding", "") if useful else "",
            self._config.max_body if useful else REST_BYTES,
        )
        async for chunk in response.aiter_stream():
            decoder.feed(chunk)
            if decoder.truncated:
                break
        return Answer(response.status, headers, decoder.finish(), decoder.truncated)


def _text(value: bytes) -> str:
    """Read a header's value as UTF-8, as browsers read Location; else as Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
