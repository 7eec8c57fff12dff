"""What an answer to a page's or a sitemap's URL changes: its row, its record, its links."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.fetch import Answer
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.hosts import Hosts, now_ms
from pyconnect_web_crawler.page import page_record, tombstone
from pyconnect_web_crawler.rows import Row
from pyconnect_web_crawler.url import canonical
from pyconnect_web_crawler.visit import BUSY, REDIRECTS, Content, Visit, hold_seconds

MAX_REDIRECTS = 10
MAX_VALIDATOR = 1000
SITEMAP_STEP = 1000
CHANGE_CHARACTERS = 4 << 20
"""How much the new URLs of one page may add to its Batch."""


class Settle:
    """Turns visits into changes."""

    def __init__(self, config: CrawlerConfig, frontier: Frontier, hosts: Hosts) -> None:
        self._config = config
        self._frontier = frontier
        self._hosts = hosts

    def answered(self, change: Change, visit: Visit) -> None:
        """Settle a URL by its answer, or by why there is none."""
        row, answer = visit.job.row, visit.answer
        if visit.refused:
            self.refuse(change, visit)
        elif answer is None:
            self._hosts.failed(change, visit)
            self._again(change, row, visit.problem)
        elif answer.status in BUSY:
            self._hosts.failed(change, visit)
            self._again(change, row, f"HTTP {answer.status}", hold_seconds(answer, time.time()))
        else:
            self._hosts.answered(change, visit.job)
            row.status = answer.status
            self._status(change, visit, answer)

    def sitemap(self, visit: Visit) -> Iterator[Change]:
        """Take in a sitemap in steps; it is done with the last, so a break between two is made
        good by reading it again."""
        row, found, now = visit.job.row, visit.sitemap, now_ms()
        assert found is not None
        deeper = found.sitemaps if row.hops < MAX_REDIRECTS else []
        rows = [Row(url, kind="sitemap", via=row.url, hops=row.hops + 1) for url in deeper]
        rows += [Row(url, via=row.url) for url in found.pages]
        for start in range(0, max(len(rows), 1), SITEMAP_STEP):
            change = Change()
            self._frontier.add(change, rows[start : start + SITEMAP_STEP], now)
            if start + SITEMAP_STEP >= len(rows):
                self._hosts.answered(change, visit.job)
                self._done(change, row, "sitemap")
            if change.state:
                yield change

    def refuse(self, change: Change, visit: Visit) -> None:
        """Settle a URL whose address is not connected to."""
        visit.job.row.state, visit.job.row.why = "refused", visit.problem
        change.problem = f"{visit.job.row.url}: {visit.problem}"
        self._frontier.settle(change, visit.job.row, now_ms())

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
        found = content.extract
        if found.noindex:
            state = "noindex"
        elif row.emitted and content.hash == row.hash:
            state = "unchanged"
        elif not row.emitted and self._frontier.pages >= self._config.max_pages:
            state = "surplus"
        else:
            state = "page"
            self._frontier.pages += not row.emitted
            row.emitted += 1
            row.hash = content.hash
            change.records.append(page_record(row, answer, content))
        row.etag = _validator(answer, "etag")
        row.modified = _validator(answer, "last-modified")
        self._done(change, row, state)
        if self._config.follow_links and not found.nofollow:
            self._follow(change, row, found.follow)

    def _follow(self, change: Change, row: Row, links: list[str]) -> None:
        most = CHANGE_CHARACTERS // (len(row.url) + 500)
        rows = (Row(url, depth=row.depth + 1, via=row.url) for url in islice(links, most))
        self._frontier.add(change, rows, now_ms())

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
        if not self._frontier.in_scope(following):
            why = f"to {target}, which is out of scope"
            change.problem = f"{row.url} redirects {why}. Add its host to `allow`."
        self._done(change, row, "redirect", why)
        self._frontier.add(change, [following], now_ms())

    def _gone(self, change: Change, row: Row, status: int) -> None:
        """Write a tombstone for a page that was recorded: at once for 410, at the second 404."""
        recorded = row.emitted and row.hash is not None
        if recorded and status == 404 and row.fails == 0:
            self._again(change, row, "HTTP 404")
            return
        if recorded:
            row.emitted += 1
            change.records.append(tombstone(row))
        row.hash = row.etag = row.modified = None
        self._done(change, row, "gone", f"HTTP {status}")

    def _done(self, change: Change, row: Row, state: str, why: str | None = None) -> None:
        row.state, row.why, row.fails = state, why, 0
        if state == "failed":
            change.problem = f"{row.url}: {why}"
        self._frontier.settle(change, row, now_ms())

    def _again(self, change: Change, row: Row, why: str, hold: float | None = None) -> None:
        """Try a URL again later, or settle it as failed after `retries` times."""
        row.fails += 1
        change.problem = f"{row.url}: {why}"
        if row.fails > self._config.retries:
            self._done(change, row, "failed", why)
            return
        row.why = why
        wait = self._hosts.backoff(row.fails) if hold is None else hold
        self._frontier.postpone(change, row, now_ms() + round(wait * 1000))


def _validator(answer: Answer, name: str) -> str | None:
    value = answer.headers.get(name)
    return value if value and len(value) <= MAX_VALIDATOR and value.isprintable() else None
