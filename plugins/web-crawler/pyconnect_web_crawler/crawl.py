"""A crawl: which job is next, and what its outcome changes."""

from __future__ import annotations

from collections.abc import Iterator

from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.hosts import Hosts, now_ms
from pyconnect_web_crawler.robots import MAX_BYTES, parse, product_token
from pyconnect_web_crawler.rows import Host, Robots, Row
from pyconnect_web_crawler.settle import Settle
from pyconnect_web_crawler.url import canonical, split
from pyconnect_web_crawler.visit import Job, Task, Visit

DAY_MS = 86_400_000
STALE_ROBOTS_MS = 30 * DAY_MS
ROBOTS_SITEMAPS = 100


class Crawl:
    """Decides; neither fetches nor waits."""

    def __init__(self, config: CrawlerConfig, frontier: Frontier) -> None:
        self.config = config
        self.frontier = frontier
        self.hosts = Hosts(config, frontier)
        self.agent = product_token(config.user_agent)
        self._settle = Settle(config, frontier, self.hosts)

    def start(self) -> Iterator[Change]:
        """Take in the seeds and sitemaps that are not known yet."""
        change = Change()
        rows = [Row(url) for url in self.config.seeds]
        if isinstance(self.config.sitemaps, list):
            rows += [Row(url, kind="sitemap") for url in self.config.sitemaps]
        self.frontier.add(change, rows, now_ms())
        if change.state:
            yield change

    def next_job(self) -> Job | None:
        """Return what to do now, if a host may be asked."""
        taken = self.frontier.take(now_ms())
        if taken is None:
            return None
        job = Job(*taken, self._task(taken[1]))
        if _counts(job):
            self.frontier.running_pages += 1
        return job

    def wait_seconds(self) -> float | None:
        """Return the time until a host may be asked; None if all is done or under way."""
        at = self.frontier.ring.next()
        # A jump of the wall clock must not make for a wait without end.
        return None if at is None else min(max(at - now_ms(), 0) / 1000, 60.0)

    def settle(self, visit: Visit) -> Iterator[Change]:
        """Give the changes that a visit brings, each to be stored before the next is asked for."""
        job, change = visit.job, Change()
        if _counts(job):
            self.frontier.running_pages -= 1
        change.hosts.add(job.host)
        if job.task == "robots":
            self._robots(change, visit)
        elif job.task != "page":
            self._leave(change, job)
        elif visit.sitemap is not None:
            yield from self._settle.sitemap(visit)
            return
        else:
            self._settle.answered(change, visit)
        yield change

    def _task(self, row: Row) -> Task:
        address = split(row.url)
        if not self.frontier.in_scope(row):
            return "outside"
        if self.config.robots == "ignore":
            return "page"
        robots = self.frontier.robots(address.origin)
        if robots is None or robots.until <= now_ms():
            return "robots"
        if robots.closed is not None:
            return "closed"
        return "page" if robots.rules.allow(address.target) else "denied"

    def _leave(self, change: Change, job: Job) -> None:
        """Settle a URL that is not asked for; it is looked at again at the next recrawl."""
        row = job.row
        robots = self.frontier.robots(split(row.url).origin)
        if job.task == "closed" and robots is not None:
            self.frontier.postpone(change, row, robots.until)
            return
        row.state, row.fails = "denied", 0
        row.why = "out of scope" if job.task == "outside" else "robots.txt"
        self.frontier.settle(change, row, now_ms())

    def _robots(self, change: Change, visit: Visit) -> None:
        row, answer, now = visit.job.row, visit.answer, now_ms()
        origin = split(row.url).origin
        if visit.refused:
            self._settle.refuse(change, visit)
            return
        known = self.frontier.robots(origin) or Robots()
        if answer is None or answer.status == 429 or answer.status // 100 not in {2, 4}:
            self._robots_unreachable(change, visit, known)
            return
        fresh = Robots(now + DAY_MS, now)
        if answer.status < 300:
            rules = parse(answer.body[:MAX_BYTES], self.agent)
            fresh.lines, fresh.delay = rules.lines, rules.delay
            if self.config.sitemaps is True:
                links = (canonical(text, f"{origin}/") for text in rules.sitemaps)
                rows = [Row(url, kind="sitemap") for url in links if url is not None]
                self.frontier.add(change, rows[:ROBOTS_SITEMAPS], now)
        self.frontier.keep_robots(change, origin, fresh)
        self.hosts.answered(change, visit.job)

    def _robots_unreachable(self, change: Change, visit: Visit, known: Robots) -> None:
        """RFC 9309 2.3.1.4: nothing may be fetched, unless there is a copy of the last 30 days."""
        now, origin = now_ms(), split(visit.job.row.url).origin
        why = visit.problem or f"HTTP {visit.answer.status if visit.answer else ''}"
        fails = known.fails + 1
        wait = self.hosts.wait(visit.answer, fails)
        stale = known.read_at > now - STALE_ROBOTS_MS
        fresh = Robots(
            until=now + round(wait * 1000),
            read_at=known.read_at,
            fails=fails,
            closed=None if stale else f"robots.txt unreachable: {why}",
            lines=known.lines if stale else (),
            delay=known.delay,
        )
        change.problem = f"{origin}/robots.txt: {why}"
        self.frontier.keep_robots(change, origin, fresh)
        if stale:
            self.hosts.answered(change, visit.job)
        else:
            self.frontier.put_host(change, visit.job.host, Host(fresh.until, fails))


def _counts(job: Job) -> bool:
    """Say whether a job may bring the first record of a page."""
    return job.task == "page" and job.row.kind == "page" and not job.row.emitted
