"""What Google's "trending now" RSS says: terms with their volume, start and news."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_VOLUME = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s*([KMB])?\s*\+?", re.IGNORECASE)
_SCALE = {"": 1, "K": 1000, "M": 1_000_000, "B": 1_000_000_000}
MOST_TERMS = 1000
MOST_NEWS = 10


class FeedError(ValueError):
    """An answer that is not a feed; its text says what it is."""


@dataclass(frozen=True, slots=True)
class Term:
    """One trending search. `started` is in ms since the epoch; `news` are (title, url, source)."""

    title: str
    volume_text: str | None
    volume: int | None
    started: int | None
    news: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """The terms, each title once with its newest start, and how many items had no title."""

    terms: tuple[Term, ...]
    untitled: int


def parse_volume(text: str | None) -> int | None:
    """Return the lower bound that `1000+`, `20K+`, `1.5M+` or `200,000+` stands for."""
    found = _VOLUME.fullmatch((text or "").strip())
    if found is None:
        return None
    number = Decimal(found[1].replace(",", "") + (found[2] or ""))
    volume = int(number * _SCALE[(found[3] or "").upper()])
    return volume if volume < 2**63 else None


def parse_started(text: str | None) -> int | None:
    """Return ms since the epoch of an RFC 822 date; one-digit days and named zones are common."""
    try:
        moment = parsedate_to_datetime((text or "").strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1000
    except (ValueError, TypeError, OverflowError):
        return None


def parse_feed(body: bytes) -> Feed:
    """Read a feed; the namespace may be the old `/daily` one. Raises FeedError.

    DTDs and entities are refused, so no document grows in the parser.
    """
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise FeedError(_what(body, error)) from error
    channel = next(_children(root, "channel"), None) if _local(root) == "rss" else None
    if channel is None:
        raise FeedError(f"<{_local(root)[:40]}> instead of <rss><channel>")
    newest: dict[str, Term] = {}
    untitled = 0
    for number, item in enumerate(_children(channel, "item")):
        if number >= MOST_TERMS:
            raise FeedError(f"more than {MOST_TERMS} items")
        term = _term(item)
        if term is None:
            untitled += 1
        elif term.title not in newest or (term.started or 0) > (newest[term.title].started or 0):
            newest[term.title] = term
    return Feed(tuple(newest.values()), untitled)


def _what(body: bytes, error: Exception) -> str:
    head = body[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "an HTML page instead of a feed (a captcha or a consent page)"
    return f"not XML: {type(error).__name__} {error}"


def _term(item: Element) -> Term | None:
    title = _text(item, "title")
    if not title:
        return None
    volume_text = _text(item, "approx_traffic")
    news = tuple(_news(each) for each in _children(item, "news_item"))
    return Term(
        title[:500],
        volume_text[:100] if volume_text else None,
        parse_volume(volume_text),
        parse_started(_text(item, "pubDate")),
        tuple(article for article in news if article[1])[:MOST_NEWS],
    )


def _news(item: Element) -> tuple[str, str, str | None]:
    source = _text(item, "news_item_source")
    title, url = _text(item, "news_item_title"), _text(item, "news_item_url")
    return ((title or "")[:1000], (url or "")[:2000], source[:200] if source else None)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _local(child) == name)


def _text(element: Element, name: str) -> str | None:
    child = next(_children(element, name), None)
    text = " ".join("".join(child.itertext()).split()) if child is not None else ""
    return text or None
