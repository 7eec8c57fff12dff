"""WebCrawler: the source. Drives a crawl: jobs out, visits in, one Batch for each change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from connectors_core import Batch, Offset, Partition, Source
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.crawl import Crawl, now_ms
from pyconnect_web_crawler.fetch import Fetcher
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.visit import Job, Visit, visit
from pyconnect_web_crawler.workers import Workers


class WebCrawler(Source[CrawlerConfig]):
    """Pages of web sites: from seeds and sitemaps along their links, as robots.txt allows."""

    name = "web-crawler"
    testing = "pyconnect_web_crawler.testing"

    async def partitions(self) -> Iterable[Mapping[str, int]]:
        """One frontier: the crawl has one shard."""
        return [{"shard": 0}]

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Batch]:
        """Give a Batch for each page, and one without a record for all else that changes what is
        known. Ends when nothing is left to fetch, unless pages are fetched again."""
        frontier = Frontier(self.config, self.context.state(partition), offset)
        crawl = Crawl(self.config, frontier)
        fetcher, workers = Fetcher(self.config), Workers[Visit](self.config.concurrency)
        async with fetcher, workers:
            for batch in self._batches(crawl, crawl.start()):
                yield batch
            while True:
                while not workers.full and (job := crawl.next_job()) is not None:
                    workers.start(self._visit(crawl, job, fetcher))
                wait = None if workers.full else crawl.wait_seconds()
                if wait is None and not workers:
                    return
                for done in await workers.results(wait):
                    for batch in self._batches(crawl, crawl.settle(done)):
                        yield batch
                    frontier.ring.free(done.job.host)
                    self._report(partition, crawl, done)

    def _batches(self, crawl: Crawl, changes: Iterator[Change]) -> Iterator[Batch]:
        for change in changes:
            yield crawl.frontier.batch(change)
            crawl.frontier.stored(change)

    async def _visit(self, crawl: Crawl, job: Job, fetcher: Fetcher) -> Visit:
        """Visit a host, after a token of the budget that all crawlers of the worker share."""
        delay = crawl.delay(job.row)
        if job.task in {"robots", "page"} and delay > 0:
            await self.context.pace(f"web-crawler:{job.host}", 1 / delay)
        return await visit(job, fetcher, crawl.agent)

    def _report(self, partition: Partition, crawl: Crawl, done: Visit) -> None:
        answer = done.answer
        if answer is not None and answer.status in {429, 503}:
            wait = (crawl.frontier.host(done.job.host).at - now_ms()) / 1000
            self.context.hold(f"web-crawler:{done.job.host}", max(wait, 0.0))
        self.context.report(
            partition,
            pages=crawl.frontier.pages,
            urls=crawl.frontier.urls,
            hosts=len(crawl.frontier.ring),
            problem=crawl.problem,
        )
