"""The frontier: which URL is next, and how what is known of URLs changes, in keyed state only.

Nothing is noted of a fetch under way. After a killed process it is still due, so that nothing is
lost, and as a page's record, its row, its links and its host are one Batch, nothing is doubled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors_core import Batch, Offset, Record, State
from pyconnect_web_crawler.config import CrawlerConfig
from pyconnect_web_crawler.ring import Ring
from pyconnect_web_crawler.rows import Host, Robots, Row, queue_key, queue_parts
from pyconnect_web_crawler.scope import Scope
from pyconnect_web_crawler.url import digest, split

LONGEST_WAIT_MS = 3_600_000


@dataclass(slots=True)
class Change:
    """What one Batch will store. `hosts` are those whose queues or times it touches; `problem`
    is what to tell the user."""

    state: dict[str, Any] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    problem: str | None = None


class Frontier:
    """Reads and changes the rows of a crawl. Every Change MUST be yielded before the next is made:
    state shows only what was."""

    def __init__(self, config: CrawlerConfig, state: State, offset: Offset | None) -> None:
        offset = offset or {}
        self.seq, self.pages, self.urls = (
            int(offset.get(name) or 0) for name in ("seq", "pages", "urls")
        )
        self.running_pages = 0
        self.ring = Ring()
        self._config = config
        self._state = state
        self._scope = Scope(config.seeds, config.allow, config.deny)
        self._robots: dict[str, Robots] = {}
        self._open = self._room()
        for host in self._hosts():
            self.ring.put(host, self._ready_at(host))

    def batch(self, change: Change) -> Batch:
        """Return the Batch of a change, with the offset that follows."""
        self.seq += 1
        offset = {"seq": self.seq, "pages": self.pages, "urls": self.urls}
        return Batch(change.records, offset, change.state)

    def stored(self, change: Change) -> None:
        """Look again at the hosts that a change touched, once its Batch was yielded."""
        for host in change.hosts:
            self.ring.put(host, self._ready_at(host))

    def take(self, now: int) -> tuple[str, Row] | None:
        """Return a host that may be asked now, with its first URL; it is left out until `free`."""
        if self._open != self._room():
            self._open = self._room()
            for host in self.ring.hosts():
                self.ring.put(host, self._ready_at(host))
        taken = self.ring.take(now)
        if taken is None:
            return None
        first = self._head(taken)
        assert first is not None, "the ring has only hosts with a URL that waits"
        return taken, Row.load(self._state.get(f"url|{first[1]}"))

    def in_scope(self, row: Row) -> bool:
        """Say whether a URL still belongs to the crawl; the config may have changed since."""
        return self._scope.allows(split(row.url))

    def host(self, host: str) -> Host:
        """Return the row of a host."""
        return Host.load(self._state.get(f"host|{host}") or {})

    def robots(self, origin: str) -> Robots | None:
        """Return what is known of an origin's robots.txt."""
        if origin not in self._robots:
            stored = self._state.get(f"robots|{origin}")
            if stored is None:
                return None
            self._robots[origin] = Robots.load(stored)
        return self._robots[origin]

    def keep_robots(self, change: Change, origin: str, robots: Robots) -> None:
        """Keep what a robots.txt says; in state too, unless it is too large for a row."""
        self._robots[origin] = robots
        change.state[f"robots|{origin}"] = robots.store() if robots.fits() else None

    def put_host(self, change: Change, host: str, row: Host) -> None:
        """Keep the row of a host."""
        change.state[f"host|{host}"] = row.store()
        change.hosts.add(host)

    def settle(self, change: Change, row: Row, now: int) -> None:
        """Put a URL among those that are done until a recrawl."""
        self._queue(change, row, "old", now)

    def postpone(self, change: Change, row: Row, at: int) -> None:
        """Put a URL back among those that wait for an answer.

        A page that is recorded already waits among the old ones, which `max_pages` leaves alone.
        """
        if row.emitted and self._config.recrawl != "never":
            self._queue(change, row, "old", at - round(self._config.recrawl * 1000))
        else:
            self._queue(change, row, "new", at)

    def add(self, change: Change, rows: Iterable[Row], now: int) -> None:
        """Take in the URLs that are in scope and not known yet; a known one stays as it is."""
        wanted = {f"url|{_name(row)}": row for row in rows if row.depth <= self._config.max_depth}
        known = self._state.get_many(wanted)
        for key, row in wanted.items():
            if key in known or key in change.state or self.urls >= self._config.max_urls:
                continue
            address = split(row.url)
            if self._scope.allows(address) and self._knows(change, address.host):
                self.urls += 1
                self._queue(change, row, "new", now)

    def _head(self, host: str) -> tuple[int, str] | None:
        """Return the time and the hash of the URL that is first in the queues of a host."""
        first = None
        if self._open:
            first = self._first(f"new|{host}|", 0)
        if self._config.recrawl != "never":
            again = self._first(f"old|{host}|", round(self._config.recrawl * 1000))
            first = min((each for each in (first, again) if each is not None), default=None)
        return first

    def _queue(self, change: Change, row: Row, queue: str, at: int) -> None:
        if row.queue:
            change.state[row.queue] = None
        host, name = split(row.url).host, _name(row)
        row.queue = queue_key(queue, host, at, name)
        change.state[row.queue] = 1
        change.state[f"url|{name}"] = row.store()
        change.hosts.add(host)

    def _knows(self, change: Change, host: str) -> bool:
        """Make a row for a new host; False if there are too many already."""
        if host in self.ring or f"host|{host}" in change.state:
            return True
        fresh = sum(key.startswith("host|") for key in change.state)
        if len(self.ring) + fresh >= self._config.max_hosts:
            return False
        self.put_host(change, host, Host())
        return True

    def _room(self) -> bool:
        """Say whether one more page may be fetched without going over `max_pages`."""
        return self.pages + self.running_pages < self._config.max_pages

    def _hosts(self) -> Iterator[str]:
        after = ""
        while rows := self._state.scan("host|", after=after):
            for key, _ in rows:
                yield key.partition("|")[2]
            after = rows[-1][0]

    def _ready_at(self, host: str) -> int | None:
        first = self._head(host)
        if first is None:
            return None
        row = self.host(host)
        if self._config.recrawl == "never" and row.fails > self._config.retries:
            return None  # given up, so that the crawl can end
        return max(first[0], row.at)

    def _first(self, prefix: str, later: int) -> tuple[int, str] | None:
        rows = self._state.scan(prefix, limit=1)
        if not rows:
            return None
        at, name = queue_parts(rows[0][0])
        return at + later, name


def _name(row: Row) -> str:
    """Return the hash under which a URL is kept; a sitemap's is not that of a page."""
    return digest(row.url if row.kind == "page" else f"{row.kind} {row.url}")
