"""The contract of keyword-trends: windows of a stream with a cursor, and changes of a feed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors_core.testing import Gate, Request, SourceContract
from pyconnect_keyword_trends import KeywordTrends
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.testing import Answer, Upstream, feed, post

BEGIN_MS, WINDOW_MS, WINDOWS, POSTS = 1_788_318_000_000, 2000, 14, 100
KEYWORDS = ["kafka", "python", "삼성전자"]
TEXTS = ("삼성전자가 올랐다", "kafka kafka", "nothing", "python and kafka", "점심 뭐 먹지")


class Gated(Upstream):
    """An upstream behind a gate."""

    async def __aenter__(self) -> Any:
        self._stack = AsyncExitStack()
        await super().__aenter__()
        self.gate = await self._stack.enter_async_context(Gate(self.port))
        self.fault = self.gate.fault
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()
        await super().__aexit__(*error)

    @property
    def requests(self) -> list[Request]:  # type: ignore[override]
        return self.gate.requests

    @requests.setter
    def requests(self, _: object) -> None:
        """What the feed noted is not asked for: the gate has those under a fault."""

    def config(self) -> dict[str, Any]:  # type: ignore[override]
        return {**super().config(), "base_url": self.gate.url, "timeout": 500}


class Posts(Gated):
    """Fourteen windows of posts, of which two are silent on the keywords, and the end of the last."""

    def __init__(self) -> None:
        super().__init__([*_script()])

    def config(self) -> dict[str, Any]:
        mine = {"provider": "jetstream", "keywords": KEYWORDS, "window": WINDOW_MS}
        return {**super().config(), **mine, "idle_close": 3_600_000}

    def expected(self) -> list[Any]:  # type: ignore[override]
        found = Upstream.expected(self, TrendsConfig(**self.config()))
        return [
            _window(keyword, start, *found.get((keyword, start), (0, 0, 0)))
            for start in range(BEGIN_MS, BEGIN_MS + WINDOWS * WINDOW_MS, WINDOW_MS)
            for keyword in KEYWORDS
        ]


def _script() -> Iterator[str]:
    step = WINDOW_MS * 1000 // POSTS
    for n in range(WINDOWS * POSTS):
        silent = n // POSTS in (4, 9)
        text = "nothing" if silent else TEXTS[n % 5]
        yield post(BEGIN_MS * 1000 + n * step, f"author{n % 7}", text)
    yield post((BEGIN_MS + (WINDOWS + 1) * WINDOW_MS) * 1000, "last", "nothing")


def _window(keyword: str, start: int, *counts: int) -> Any:
    messages, occurrences, authors = counts
    moment = datetime.fromtimestamp(start / 1000, UTC)
    return SimpleNamespace(
        keyword=keyword,
        window_start=moment,
        messages=messages,
        occurrences=occurrences,
        authors=authors,
    )


class TestWindows(SourceContract):
    source = KeywordTrends
    upstream = Posts
    capabilities = {"replayable", "ordered"}

    @staticmethod
    def comparable(value: Any) -> Any:
        """The counts; a gap has none, and is not expected."""
        start = getattr(value, "window_start", None)
        counts = [getattr(value, each, None) for each in ("messages", "occurrences", "authors")]
        return [str(start), getattr(value, "keyword", repr(value)), *counts]


FEEDS = (
    [("태풍", "500+", 10.0), ("환율", "1000+", 10.0)],
    [("태풍", "2000+", 10.0), ("환율", "1000+", 10.0), ("수능", "200+", 40.0)],
    [("수능", "500+", 40.0)],
    [("수능", "500+", 40.0)],
    [("수능", "500+", 40.0), ("태풍", "100+", 90.0)],
)
GEOS = ("KR", "US-NY")
CHANGES = (
    ("태풍", "NEW", "500+"),
    ("환율", "NEW", "1000+"),
    ("태풍", "UP", "2000+"),
    ("수능", "NEW", "200+"),
    ("수능", "UP", "500+"),
    ("태풍", "ENDED", "2000+"),
    ("환율", "ENDED", "1000+"),
    ("태풍", "NEW", "100+"),
)


class Feed(Gated):
    """A feed that waits for its reader: the next one goes to who has the ETag of the last.

    Google's goes on by the clock, and what nobody asked for is gone. Here whatever is missing was
    lost by the source.
    """

    def _http(self, connection: Any, request: Any) -> Any:
        asked = request.headers.get("If-None-Match")
        at = 0 if asked is None else min(int(asked) + 1, len(FEEDS) - 1)
        geo = parse_qs(urlsplit(request.path).query)["geo"][0]
        headers = {"ETag": str(at)}
        last = asked == str(at)
        answer = Answer(304, b"", headers) if last else Answer(200, feed(FEEDS[at], geo), headers)
        self.feeds = [answer]
        return super()._http(connection, request)

    def config(self) -> dict[str, Any]:
        mine = {"provider": "google-rss", "geo": list(GEOS), "poll_interval": 100}
        return {**super().config(), **mine}

    def expected(self) -> list[Any]:  # type: ignore[override]
        return [
            SimpleNamespace(geo=geo, term=term, change=change, volume_text=volume)
            for geo in GEOS
            for term, change, volume in CHANGES
        ]


class TestTrendingFeed(SourceContract):
    source = KeywordTrends
    upstream = Feed
    capabilities = {"replayable", "ordered", "splits"}

    @staticmethod
    def comparable(value: Any) -> Any:
        """All but the time of the poll."""
        return [value.geo, value.term, value.change, value.volume_text]
