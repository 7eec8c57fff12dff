"""WebCrawler: the source. Drives a crawl: jobs out, visits in, one Batch for each change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from connectors_core import Batch, Offset, Partition, Retry, Source
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.crawl import Crawl
from pyconnect_web_crawler.fetch import Fetcher
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.visit import BUSY, Job, Visit, visit
from pyconnect_web_crawler.workers import Workers


class WebCrawler(Source[CrawlerConfig]):
    """Pages of web sites: from seeds and sitemaps along their links, as robots.txt allows."""

    name = "web-crawler"
    testing = "pyconnect_web_crawler.testing"
    _problem = ""

    async def partitions(self) -> Iterable[Mapping[str, int]]:
        """One frontier: the crawl has one shard."""
        return [{"shard": 0}]

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Batch]:
        """Give a Batch for each page, and one without a record for all else that changes what is
        known. Ends when nothing is left to fetch, unless pages are fetched again.

        Raises Retry while all hosts that have something left fail.
        """
        frontier = Frontier(self.config, self.context.state(partition), offset)
        crawl = Crawl(self.config, frontier)
        fetcher, workers = Fetcher(self.config), Workers[Visit](self.config.concurrency)
        async with fetcher, workers:
            for batch in self._batches(partition, crawl, crawl.start()):
                yield batch
            while True:
                while not workers.full and (job := crawl.next_job()) is not None:
                    workers.start(self._visit(crawl, job, fetcher))
                wait = None if workers.full else crawl.wait_seconds()
                if wait is None and not workers:
                    return
                if wait and not workers and crawl.hosts.all_failed():
                    raise Retry(f"no host answers. {self._problem}".rstrip(), after=wait)
                for done in await workers.results(wait):
                    for batch in self._batches(partition, crawl, crawl.settle(done)):
                        yield batch
                    frontier.ring.free(done.job.host)

    def _batches(
        self, partition: Partition, crawl: Crawl, changes: Iterator[Change]
    ) -> Iterator[Batch]:
        frontier = crawl.frontier
        for change in changes:
            facts: dict[str, str] = {"problem": change.problem} if change.problem else {}
            self._problem = change.problem or self._problem
            counts = {"pages": frontier.pages, "urls": frontier.urls, "hosts": len(frontier.ring)}
            self.context.report(partition, **counts, **facts)
            yield frontier.batch(change)
            frontier.stored(change)

    async def _visit(self, crawl: Crawl, job: Job, fetcher: Fetcher) -> Visit:
        """Visit a host, after a token of the budget that all crawlers of the worker share."""
        budget, delay = f"web-crawler:{job.host}", crawl.hosts.delay(job.row)
        if job.task in {"robots", "page"} and delay > 0:
            await self.context.pace(budget, 1 / delay)
        done = await visit(job, fetcher, crawl.agent)
        if done.answer is not None and done.answer.status in BUSY:
            self.context.hold(budget, crawl.hosts.wait(done.answer, 1))
        return done
