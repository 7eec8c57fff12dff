"""The rows that a crawl keeps: one for each URL, host and robots.txt, and two queues for a host.

```
url|<hash>                      Row
host|<host>                     Host
robots|<origin>                 Robots
new|<host>|<at>|<hash>          a URL that waits for its first answer, not before `at`
old|<host>|<at>|<hash>          a URL that was settled at `at`: due for a recrawl an interval later
```
Times are ms since the epoch; in keys 13 digits, so that keys sort by time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from pyconnect_web_crawler.robots import Rules

ROBOTS_ROW_CHARACTERS = 128 * 1024
"""A longer robots.txt is kept in memory only and read again after a restart."""


class _Stored:
    """Keeps what differs from the default, so that a row is as small as it can be."""

    def store(self) -> dict[str, Any]:
        values = asdict(self)  # type: ignore[call-overload]
        defaults = {each.name: each.default for each in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def load(cls, row: Mapping[str, Any]) -> Self:
        return cls(**row)


@dataclass(slots=True)
class Row(_Stored):
    """What is known of a URL.

    `queue` is its key in a queue. `kind` is page or sitemap. `state` is new, page, redirect,
    sitemap, unchanged, denied (by robots.txt or the scope), noindex, surplus (to `max_pages`),
    refused, failed or gone, with the reason in `why`. `start` is where a chain of `hops` redirects began. `emitted` counts its records.
    `hops` counts redirects, and indexes above a sitemap. `fails` counts failures in a row.
    """

    url: str
    queue: str = ""
    kind: str = "page"
    state: str = "new"
    why: str | None = None
    depth: int = 0
    via: str | None = None
    start: str | None = None
    hops: int = 0
    fails: int = 0
    status: int | None = None
    etag: str | None = None
    modified: str | None = None
    hash: str | None = None
    emitted: int = 0


@dataclass(slots=True)
class Host(_Stored):
    """When a host may be asked again, and how often in a row it failed as a whole."""

    at: int = 0
    fails: int = 0


@dataclass(slots=True)
class Robots(_Stored):
    """A robots.txt as last read: `rules` of the time `read_at`, good until `until`.

    `closed` is why nothing may be fetched (RFC 9309 2.3.1.4: unreachable is a complete disallow).
    """

    until: int = 0
    read_at: int = 0
    fails: int = 0
    closed: str | None = None
    lines: tuple[tuple[bool, str], ...] = ()
    delay: float | None = None

    @classmethod
    def load(cls, row: Mapping[str, Any]) -> Self:
        lines = tuple((bool(allow), str(pattern)) for allow, pattern in row.get("lines", ()))
        return cls(**{**row, "lines": lines})

    @property
    def rules(self) -> Rules:
        """Return the rules as they are asked."""
        return Rules(self.lines, self.delay)

    def fits(self) -> bool:
        """Say whether the row is small enough for keyed state."""
        return len(json.dumps(self.lines, ensure_ascii=True)) <= ROBOTS_ROW_CHARACTERS


def queue_key(queue: str, host: str, at: int, digest: str) -> str:
    """Return the key of a URL in the queue `new` or `old` of a host."""
    return f"{queue}|{host}|{max(at, 0):013d}|{digest}"


def queue_parts(key: str) -> tuple[int, str]:
    """Return the time and the hash of a queue's key."""
    _, at, digest = key.rsplit("|", 2)
    return int(at), digest
