"""A web crawler as a source of pyconnect: pages with their links, exactly once."""

from __future__ import annotations

from typing import Any

from connectors_core import Source, hookimpl
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.page import Page
from pyconnect_web_crawler.source import WebCrawler

__all__ = ["CrawlerConfig", "Page", "WebCrawler"]


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    """Bring the source `web-crawler`."""
    return [WebCrawler]
