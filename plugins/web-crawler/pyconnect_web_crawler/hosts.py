"""When a host may be asked again: its delay, what it asks for, and longer with every failure."""

from __future__ import annotations

import time

from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.fetch import Answer
from pyconnect_web_crawler.frontier import Change, Frontier
from pyconnect_web_crawler.rows import Host, Row
from pyconnect_web_crawler.url import split
from pyconnect_web_crawler.visit import Job, Visit, hold_seconds

MAX_CRAWL_DELAY = 30.0
MAX_BACKOFF = 3600.0


def now_ms() -> int:
    """Return the wall clock, in ms since the epoch: rows outlive the process."""
    return round(time.time() * 1000)


class Hosts:
    """Keeps the row of a host after each request, so that a restart is no reason to ask sooner."""

    def __init__(self, config: CrawlerConfig, frontier: Frontier) -> None:
        self._config = config
        self._frontier = frontier

    def delay(self, row: Row) -> float:
        """Return the seconds between two requests to the host of a URL."""
        robots = self._frontier.robots(split(row.url).origin)
        asked = min(robots.delay or 0.0, MAX_CRAWL_DELAY) if robots is not None else 0.0
        return max(self._config.delay, asked)

    def answered(self, change: Change, job: Job) -> None:
        """Let the host wait for its delay."""
        at = now_ms() + round(self.delay(job.row) * 1000)
        self._frontier.put_host(change, job.host, Host(at))

    def failed(self, change: Change, visit: Visit) -> None:
        """Let the whole host wait: for what it asks, else longer with every failure in a row. One
        failed connection alone does not hold up its other pages."""
        fails = self._frontier.host(visit.job.host).fails + 1
        if visit.answer is None and fails == 1:
            wait = self.delay(visit.job.row)
        else:
            wait = self.wait(visit.answer, fails)
        at = now_ms() + round(max(wait, self.delay(visit.job.row)) * 1000)
        self._frontier.put_host(change, visit.job.host, Host(at, fails))

    def all_failed(self) -> bool:
        """Say whether each host that has something left failed when it was last asked."""
        return all(self._frontier.host(host).fails for host in self._frontier.ring.waiting())

    def wait(self, answer: Answer | None, fails: int) -> float:
        """Return what an answer asks for in seconds, else the back-off after so many failures."""
        hold = hold_seconds(answer, time.time()) if answer is not None else None
        return self.backoff(fails) if hold is None else hold

    def backoff(self, fails: int) -> float:
        """Return the seconds to wait after so many failures in a row: doubling, at most an hour."""
        return min(self._config.retry_delay * 2.0 ** min(fails - 1, 20), MAX_BACKOFF)
