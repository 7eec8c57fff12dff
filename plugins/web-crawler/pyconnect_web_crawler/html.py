"""What a crawler wants of an HTML page: title, text, links, and what it says to robots."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pyconnect_web_crawler.tokens import Tag, tokens
from pyconnect_web_crawler.url import canonical

MAX_HTML = 2_000_000
"""Characters of a page that are read; the rest is passed over."""
MAX_TEXT = 1_000_000
MAX_LINKS = 5000
MAX_TITLE = 1000

_SILENT = {"script", "style", "iframe", "noembed", "noframes", "template", "svg", "xmp"}
_BLOCK_NAMES = (
    "address article aside blockquote body br caption dd details div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre"
    " section select summary table tbody td tfoot th thead title tr ul"
)
_BLOCK = frozenset(_BLOCK_NAMES.split())


@dataclass(slots=True)
class Extract:
    """What was found. `links` are canonical, each once, in order; `follow` those that may be
    followed; `noindex` and `nofollow` are what the page says of itself."""

    title: str | None = None
    text: str = ""
    links: list[str] = field(default_factory=list)
    follow: list[str] = field(default_factory=list)
    noindex: bool = False
    nofollow: bool = False


def extract(html: str, url: str, agent: str) -> Extract:
    """Read a page that came from `url`. Never raises; time is linear in the length.

    `agent` is our product token: `<meta name="agent">` counts beside `<meta name="robots">`.
    """
    reader = _Reader(url, agent.lower())
    for token in tokens(html[:MAX_HTML]):
        if isinstance(token, Tag):
            reader.tag(token)
        else:
            reader.text(token)
    return reader.result()


def directives(content: str) -> tuple[bool, bool]:
    """Return noindex and nofollow of a robots directive such as `noindex, follow`."""
    words = {word.strip().lower() for word in content.split(",")}
    return bool(words & {"noindex", "none"}), bool(words & {"nofollow", "none"})


class _Reader:
    """Takes the tokens one by one."""

    def __init__(self, url: str, agent: str) -> None:
        self.found = Extract()
        self._base = url
        self._base_seen = False
        self._agents = {"robots", agent}
        self._silent: str | None = None
        self._in_title = False
        self._title: list[str] = []
        self._parts: list[str] = []
        self._size = 0
        self._links: dict[str, bool] = {}

    def tag(self, tag: Tag) -> None:
        if self._silent is not None:
            if tag.end and tag.name == self._silent:
                self._silent = None
        elif tag.name in _SILENT:
            self._silent = None if tag.end else tag.name
        else:
            self._loud(tag)

    def text(self, text: str) -> None:
        if self._silent is not None:
            return
        if self._in_title:
            self._title.append(text[:MAX_TITLE])
        elif self._size < MAX_TEXT:
            self._parts.append(text)
            self._size += len(text)

    def result(self) -> Extract:
        found = self.found
        found.title = " ".join("".join(self._title).split())[:MAX_TITLE] or None
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\x00"))
        found.text = "\n".join(line for line in lines if line)[:MAX_TEXT]
        found.links = list(self._links)
        found.follow = [url for url, follow in self._links.items() if follow]
        return found

    def _loud(self, tag: Tag) -> None:
        if tag.name in _BLOCK:
            # NUL can't stand in HTML text, so it marks the end of a line until the end.
            self._parts.append("\x00")
        if tag.name == "title":
            self._in_title = not tag.end and not self._title
        elif tag.end:
            return
        elif tag.name in {"a", "area"}:
            self._link(tag.attributes)
        elif tag.name == "meta":
            self._meta(tag.attributes)
        elif tag.name == "base" and not self._base_seen and "href" in tag.attributes:
            self._base_seen = True
            self._base = canonical(tag.attributes["href"].strip(), self._base) or self._base

    def _link(self, attributes: dict[str, str]) -> None:
        href = attributes.get("href")
        if href is None or len(self._links) >= MAX_LINKS:
            return
        url = canonical(href, self._base)
        if url is not None:
            nofollow = "nofollow" in re.split(r"\s+", attributes.get("rel", "").lower())
            self._links[url] = self._links.get(url, False) or not nofollow

    def _meta(self, attributes: dict[str, str]) -> None:
        if attributes.get("name", "").strip().lower() in self._agents:
            noindex, nofollow = directives(attributes.get("content", ""))
            self.found.noindex = self.found.noindex or noindex
            self.found.nofollow = self.found.nofollow or nofollow
