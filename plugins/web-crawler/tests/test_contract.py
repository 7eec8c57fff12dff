"""The contract of web-crawler: a crawl that ends, and one that goes on."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from connectors_core.testing import Request, SourceContract
from pyconnect_web_crawler import WebCrawler
from pyconnect_web_crawler.testing import Upstream


class Site(Upstream):
    """The news site with few articles, asked without a pause."""

    recrawl: object = "never"

    def __init__(self) -> None:
        super().__init__(articles=4)
        self.fault = self.server.fault

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    def config(self) -> dict[str, Any]:
        quick = {"delay": 0, "timeout": 1.0, "recrawl": self.recrawl}
        return {**super().config(), **quick}

    def expected(self) -> list[Any]:
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


class TestCrawl(SourceContract):
    source = WebCrawler
    upstream = Site
    capabilities = {"bounded", "replayable"}

    @staticmethod
    def comparable(value: Any) -> Any:
        """The port is another one each time, and which page led to a URL first goes by its hash."""
        path = urlsplit(value.final_url).path
        return {"path": path, "status": value.status, "hash": value.content_hash}

    @staticmethod
    def comparable_key(key: Any) -> Any:
        """The key is the URL."""
        return urlsplit(key).path


class TestRecrawl(TestCrawl):
    upstream = KeptSite
    capabilities = {"replayable"}
