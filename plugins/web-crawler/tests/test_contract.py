from pyconnect_web_crawler.testing import CrawlContract, RecrawlContract


class TestCrawl(CrawlContract):
    """The laws for a crawl that ends."""


class TestRecrawl(RecrawlContract):
    """The laws for a crawl that goes on."""
