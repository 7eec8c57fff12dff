"""The contracts of web-crawler: a crawl that ends, and one that goes on."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors_core.testing import Request, SourceContract
from pyconnect_web_crawler.source import WebCrawler
from pyconnect_web_crawler.testing.site import Upstream


class Site(Upstream):
    """The news site with few articles, asked with a short pause."""

    recrawl: ClassVar[str] = "never"

    def __init__(self) -> None:
        super().__init__(articles=4)

    @property
    def requests(self) -> list[Request]:
        """What was asked."""
        return self.server.requests

    def config(self) -> dict[str, Any]:
        """Return the options that read it in little time."""
        quick = {"delay": 0.01, "timeout": 1.0, "recrawl": self.recrawl}
        return {**super().config(), **quick}

    async def fault(self, kind: str) -> None:
        """Do harm. Raises NotImplementedError for `prune`: no offset points into a site, and a page
        that is gone is a tombstone."""
        await self.server.fault(kind)

    def expected(self) -> list[Any]:
        """Return what of each page is the same in every crawl."""
        return [
            SimpleNamespace(final_url=url, status=200, content_hash=self._hash(urlsplit(url).path))
            for url in super().expected()
        ]

    def _hash(self, path: str) -> str:
        codec = "cp949" if path == "/legacy" else "utf-8"
        return hashlib.sha256(self._pages[path].encode(codec)).hexdigest()


class KeptSite(Site):
    """A site whose pages are fetched again after an hour."""

    recrawl = "1h"


class CrawlContract(SourceContract):
    """A crawl that ends."""

    source = WebCrawler
    upstream = Site
    capabilities = frozenset({"bounded", "paced", "replayable"})

    @staticmethod
    def comparable(value: Any) -> Any:
        """The port is another one each time, and which page led to a URL first goes by its hash."""
        path = urlsplit(value.final_url).path
        return {"path": path, "status": value.status, "hash": value.content_hash}

    @staticmethod
    def comparable_key(key: Any) -> Any:
        """The key is the URL."""
        return urlsplit(key).path


class RecrawlContract(CrawlContract):
    """A crawl that waits for its next round."""

    upstream = KeptSite
    capabilities = frozenset({"paced", "replayable"})
