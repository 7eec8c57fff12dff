"""Terms: a feed of trending searches that waits for its reader, for the contract."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from pyconnect_keyword_trends.testing.gated import Gated
from pyconnect_keyword_trends.testing.scripted import feed
from pyconnect_keyword_trends.testing.upstream import Answer

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


class Terms(Gated):
    """A feed that waits for its reader: the next one goes to who has the ETag of the last.

    Google's goes on by the clock, and what nobody asked for is gone. Here whatever is missing was
    lost by the source.
    """

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        asked = request.headers.get("If-None-Match")
        at = 0 if asked is None else min(int(asked) + 1, len(FEEDS) - 1)
        geo = parse_qs(urlsplit(request.path).query)["geo"][0]
        headers = {"ETag": str(at)}
        last = asked == str(at)
        answer = Answer(304, b"", headers) if last else Answer(200, feed(FEEDS[at], geo), headers)
        self.feeds = [answer]
        return super()._http(connection, request)

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        mine = {"provider": "google-rss", "geo": list(GEOS), "poll_interval": 100}
        return {**super().config(), **mine}

    async def fault(self, kind: str) -> None:
        """Do harm. Raises NotImplementedError for `prune`: a feed is what trends now, no history."""
        await super().fault(kind)

    def expected(self) -> list[Any]:  # type: ignore[override]
        """Return the changes of every region, in their order."""
        return [
            SimpleNamespace(geo=geo, term=term, change=change, volume_text=volume)
            for geo in GEOS
            for term, change, volume in CHANGES
        ]
