"""A crawl: which job is next, and what its outcome changes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from connectors_core import Record
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.fetch import Answer
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.page import Page
from pyconnect_web_crawler.robots import parse, product_token
from pyconnect_web_crawler.rows import Host, Robots, Row
from pyconnect_web_crawler.url import canonical, split
from pyconnect_web_crawler.visit import (
    REDIRECTS,
    Content,
    Job,
    Task,
    Visit,
    hold_seconds,
    robots_body,
)

DAY_MS = 86_400_000
STALE_ROBOTS_MS = 30 * DAY_MS
MAX_CRAWL_DELAY = 30.0
MAX_REDIRECTS = 10
MAX_BACKOFF = 3600.0
MAX_VALIDATOR = 1000
SITEMAP_STEP = 1000
ROBOTS_SITEMAPS = 100
CHANGE_CHARACTERS = 4 << 20
"""How much the new URLs of one page may add to its Batch."""


class Crawl:
    """Decides; neither fetches nor waits."""

    def __init__(self, config: CrawlerConfig, frontier: Frontier) -> None:
        self.config = config
        self.frontier = frontier
        self.agent = product_token(config.user_agent)
        self.problem: str | None = None

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
            yield from self._sitemap(visit)
            return
        else:
            self._answered(change, visit)
        yield change

    def delay(self, row: Row) -> float:
        """Return the seconds between two requests to the host of a URL."""
        robots = self.frontier.robots(split(row.url).origin)
        asked = min(robots.delay or 0.0, MAX_CRAWL_DELAY) if robots is not None else 0.0
        return max(self.config.delay, asked)

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
            self._refuse(change, visit)
            return
        known = self.frontier.robots(origin) or Robots()
        if answer is None or answer.status == 429 or not 200 <= answer.status < 500:
            self._robots_unreachable(change, visit, known)
            return
        fresh = Robots(now + DAY_MS, now)
        if answer.status < 300:
            rules = parse(robots_body(answer), self.agent)
            fresh.lines, fresh.delay = rules.lines, rules.delay
            if self.config.sitemaps is True:
                links = (canonical(text, f"{origin}/") for text in rules.sitemaps)
                rows = [Row(url, kind="sitemap") for url in links if url is not None]
                self.frontier.add(change, rows[:ROBOTS_SITEMAPS], now)
        self.frontier.keep_robots(change, origin, fresh)
        self._host_answered(change, visit.job)

    def _robots_unreachable(self, change: Change, visit: Visit, known: Robots) -> None:
        """RFC 9309 2.3.1.4: nothing may be fetched, unless there is a copy of the last 30 days."""
        now, origin = now_ms(), split(visit.job.row.url).origin
        why = visit.problem or f"HTTP {visit.answer.status if visit.answer else ''}"
        fails = known.fails + 1
        wait = self._wait(visit.answer, fails)
        stale = known.read_at > now - STALE_ROBOTS_MS
        fresh = Robots(
            until=now + round(wait * 1000),
            read_at=known.read_at,
            fails=fails,
            closed=None if stale else f"robots.txt unreachable: {why}",
            lines=known.lines if stale else (),
            delay=known.delay,
        )
        self.problem = f"{origin}/robots.txt: {why}"
        self.frontier.keep_robots(change, origin, fresh)
        if stale:
            self._host_answered(change, visit.job)
        else:
            self.frontier.put_host(change, visit.job.host, Host(fresh.until, fails))

    def _answered(self, change: Change, visit: Visit) -> None:
        row, answer = visit.job.row, visit.answer
        if visit.refused:
            self._refuse(change, visit)
        elif answer is None:
            self._host_failed(change, visit)
            self._again(change, row, visit.problem)
        elif answer.status in {429, 503}:
            self._host_failed(change, visit)
            self._again(change, row, f"HTTP {answer.status}", self._hold(answer))
        else:
            self._host_answered(change, visit.job)
            row.status = answer.status
            self._status(change, visit, answer)

    def _status(self, change: Change, visit: Visit, answer: Answer) -> None:
        row = visit.job.row
        if visit.content is not None:
            self._page(change, row, answer, visit.content)
        elif answer.status == 304 and row.emitted:
            self._done(change, row, "unchanged")
        elif answer.status in REDIRECTS and "location" in answer.headers:
            self._redirect(change, row, answer.headers["location"])
        elif answer.status in {404, 410}:
            self._gone(change, row, answer.status)
        elif answer.status == 408 or answer.status >= 500:
            self._again(change, row, f"HTTP {answer.status}")
        else:
            self._done(change, row, "failed", f"HTTP {answer.status}")

    def _page(self, change: Change, row: Row, answer: Answer, content: Content) -> None:
        now = datetime.now(UTC)
        found = content.extract
        if found.noindex:
            state = "noindex"
        elif row.emitted and content.hash == row.hash:
            state = "unchanged"
        elif not row.emitted and self.frontier.pages >= self.config.max_pages:
            state = "surplus"
        else:
            state = "page"
            self.frontier.pages += not row.emitted
            row.emitted += 1
            row.hash = content.hash
            change.records.append(_record(row, answer, content, now))
        row.etag = _validator(answer, "etag")
        row.modified = _validator(answer, "last-modified")
        self._done(change, row, state)
        if self.config.follow_links and not found.nofollow:
            self._follow(change, row, found.follow)

    def _follow(self, change: Change, row: Row, links: list[str]) -> None:
        most = CHANGE_CHARACTERS // (len(row.url) + 500)
        rows = (Row(url, depth=row.depth + 1, via=row.url) for url in islice(links, most))
        self.frontier.add(change, rows, now_ms())

    def _redirect(self, change: Change, row: Row, location: str) -> None:
        """Note the target as a URL of its own: so it passes scope, robots.txt, the host's delay and
        the check of its address like any other, and a loop ends at a URL that is known."""
        target = canonical(location, row.url)
        if target is None or row.hops >= MAX_REDIRECTS:
            why = "too many redirects" if target else f"redirects to {location[:200]!r}"
            self._done(change, row, "failed", why)
            return
        following = Row(
            target,
            kind=row.kind,
            depth=row.depth,
            via=row.via,
            start=row.start or row.url,
            hops=row.hops + 1,
        )
        why = f"to {target}"
        if not self.frontier.in_scope(following):
            why = f"to {target}, which is out of scope"
            self.problem = f"{row.url} redirects {why}. Add its host to `allow`."
        self._done(change, row, "redirect", why)
        self.frontier.add(change, [following], now_ms())

    def _gone(self, change: Change, row: Row, status: int) -> None:
        """Write a tombstone for a page that was recorded: at once for 410, at the second 404."""
        recorded = row.emitted and row.hash is not None
        if recorded and status == 404 and row.fails == 0:
            self._again(change, row, "HTTP 404")
            return
        if recorded:
            row.emitted += 1
            change.records.append(Record(None, key=row.url, headers=_headers(row, "gone")))
        row.hash = row.etag = row.modified = None
        self._done(change, row, "gone", f"HTTP {status}")

    def _sitemap(self, visit: Visit) -> Iterator[Change]:
        """Take in a sitemap in steps; it is done with the last, so a break between two is made
        good by reading it again."""
        row, found, now = visit.job.row, visit.sitemap, now_ms()
        assert found is not None
        rows = [
            Row(url, kind="sitemap", depth=row.depth + 1, via=row.url) for url in found.sitemaps
        ]
        rows += [Row(url, via=row.url) for url in found.pages]
        for start in range(0, max(len(rows), 1), SITEMAP_STEP):
            change = Change()
            self.frontier.add(change, rows[start : start + SITEMAP_STEP], now)
            if start + SITEMAP_STEP >= len(rows):
                self._host_answered(change, visit.job)
                self._done(change, row, "sitemap")
            if change.state:
                yield change

    def _done(self, change: Change, row: Row, state: str, why: str | None = None) -> None:
        row.state, row.why, row.fails = state, why, 0
        if state == "failed":
            self.problem = f"{row.url}: {why}"
        self.frontier.settle(change, row, now_ms())

    def _refuse(self, change: Change, visit: Visit) -> None:
        visit.job.row.state, visit.job.row.why = "refused", visit.problem
        self.problem = f"{visit.job.row.url}: {visit.problem}"
        self.frontier.settle(change, visit.job.row, now_ms())

    def _again(self, change: Change, row: Row, why: str, hold: float | None = None) -> None:
        """Try a URL again later, or settle it as failed after `retries` times."""
        row.fails += 1
        self.problem = f"{row.url}: {why}"
        if row.fails > self.config.retries:
            self._done(change, row, "failed", why)
            return
        row.why = why
        wait = self._backoff(row.fails) if hold is None else hold
        self.frontier.postpone(change, row, now_ms() + round(wait * 1000))

    def _host_answered(self, change: Change, job: Job) -> None:
        at = now_ms() + round(self.delay(job.row) * 1000)
        self.frontier.put_host(change, job.host, Host(at))

    def _host_failed(self, change: Change, visit: Visit) -> None:
        """Let the whole host wait: for what it asks, else longer with every failure in a row. One
        failed connection alone does not hold up its other pages."""
        fails = self.frontier.host(visit.job.host).fails + 1
        if visit.answer is None and fails == 1:
            wait = self.delay(visit.job.row)
        else:
            wait = self._wait(visit.answer, fails)
        at = now_ms() + round(max(wait, self.delay(visit.job.row)) * 1000)
        self.frontier.put_host(change, visit.job.host, Host(at, fails))

    def _wait(self, answer: Answer | None, fails: int) -> float:
        hold = self._hold(answer) if answer is not None else None
        return self._backoff(fails) if hold is None else hold

    def _hold(self, answer: Answer) -> float | None:
        return hold_seconds(answer, time.time())

    def _backoff(self, fails: int) -> float:
        return min(self.config.retry_delay * 2.0 ** min(fails - 1, 20), MAX_BACKOFF)


def now_ms() -> int:
    return round(time.time() * 1000)


def _counts(job: Job) -> bool:
    """Say whether a job may bring the first record of a page."""
    return job.task == "page" and job.row.kind == "page" and not job.row.emitted


def _validator(answer: Answer, name: str) -> str | None:
    value = answer.headers.get(name)
    return value if value and len(value) <= MAX_VALIDATOR and value.isprintable() else None


def _headers(row: Row, what: str) -> list[tuple[str, str | bytes]]:
    """Return the event's identity: the same however often the same record is made."""
    text = f"{row.url}\n{row.emitted}\n{what}"
    return [("event_id", hashlib.sha256(text.encode()).hexdigest()[:32])]


def _record(row: Row, answer: Answer, content: Content, now: datetime) -> Record:
    page = Page(
        url=row.start or row.url,
        final_url=row.url,
        status=answer.status,
        fetched_at=now,
        title=content.extract.title,
        text=content.text,
        links=content.extract.links,
        content_type=content.kind,
        charset=content.charset,
        content_hash=content.hash,
        truncated=answer.truncated,
        depth=row.depth,
        via=row.via,
    )
    headers = _headers(row, content.hash)
    return Record(page, key=row.url, timestamp=round(now.timestamp() * 1000), headers=headers)
