"""Page: what a crawl says of one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
