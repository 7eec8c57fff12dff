"""Page: what a crawl says of one page, and the record that says it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors_core import Record
from pyconnect_web_crawler.fetch import Answer
from pyconnect_web_crawler.rows import Row
from pyconnect_web_crawler.visit import Content


@dataclass(slots=True)
class Page:
    """A page as it was fetched. The record's key is `final_url`.

    `url` is the address that led here, `final_url` the one that answered: they differ after a
    redirect. `title`, `text` and `links` are of HTML; other text has `text`, all else neither.
    `content_hash` is the SHA-256 of the body in hex; `truncated` says that the body was longer than
    `max_body`. `depth` counts links from a seed; `via` is the page with the link.
    """

    url: str
    final_url: str
    status: int
    fetched_at: datetime
    title: str | None
    text: str | None
    links: list[str]
    content_type: str | None
    charset: str | None
    content_hash: str
    truncated: bool
    depth: int
    via: str | None


def tombstone(row: Row) -> Record:
    """Return the record that takes a page out of a compacted topic."""
    return Record(None, key=row.url, headers=_headers(row, "gone"))


def page_record(row: Row, answer: Answer, content: Content) -> Record:
    """Return the record of a page whose row counts it already."""
    now = datetime.now(UTC)
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


def _headers(row: Row, what: str) -> list[tuple[str, str | bytes]]:
    """Return the event's identity: the same however often the same record is made."""
    text = f"{row.url}\n{row.emitted}\n{what}"
    return [("event_id", hashlib.sha256(text.encode()).hexdigest()[:32])]
