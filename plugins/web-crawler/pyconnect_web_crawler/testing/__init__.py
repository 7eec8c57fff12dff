"""What web-crawler is tested with: a small news site, and its contracts."""

from __future__ import annotations

from pyconnect_web_crawler.testing.contract import CrawlContract, RecrawlContract
from pyconnect_web_crawler.testing.site import Upstream

__all__ = ["CrawlContract", "RecrawlContract", "Upstream"]
