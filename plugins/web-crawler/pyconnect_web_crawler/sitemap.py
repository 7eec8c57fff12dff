"""Sitemaps (sitemaps.org 0.9): urlset, index, plain text, each also gzipped; RSS and Atom as such.

Parsed with defusedxml: a document type with entities is refused. A damaged file gives what stands
before the damage.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from pyconnect_web_crawler.decode import BadEncoding, gunzip
from pyconnect_web_crawler.url import canonical

MAX_URLS = 50_000
MAX_BYTES = 50 * 1024 * 1024


@dataclass(slots=True)
class Sitemap:
    """Canonical URLs of pages and of further sitemaps, each once, in order."""

    pages: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


def parse(body: bytes, url: str) -> Sitemap:
    """Read a sitemap that came from `url`. Never raises for what a server may send."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = gunzip(body, MAX_BYTES)
        except BadEncoding:
            return Sitemap()
    found = _xml(body) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _lines(body)
    pages: dict[str, bool] = {}
    for text, is_sitemap in found:
        link = canonical(text, url)
        if link is not None:
            pages.setdefault(link, is_sitemap)
        if len(pages) >= MAX_URLS:
            break
    result = Sitemap()
    for link, is_sitemap in pages.items():
        (result.sitemaps if is_sitemap else result.pages).append(link)
    return result


def _lines(body: bytes) -> Iterator[tuple[str, bool]]:
    for line in body.decode("utf-8-sig", "replace").splitlines():
        if line.strip().lower().startswith(("http://", "https://")):
            yield line.strip(), False


def _xml(body: bytes) -> Iterator[tuple[str, bool]]:
    """Give each location with whether it is a sitemap of an index."""
    path: list[str] = []
    elements: list[Element] = []
    try:
        for event, element in iterparse(io.BytesIO(body), ("start", "end"), forbid_dtd=True):
            if event == "start":
                path.append(_plain(element.tag))
                elements.append(element)
                continue
            yield from _location(path, element)
            path.pop()
            elements.pop()
            if elements:
                elements[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return


def _location(path: list[str], element: Element) -> Iterator[tuple[str, bool]]:
    text = (element.text or "").strip()
    match path[-3:]:
        case ["urlset", "url", "loc"] | ["channel", "item", "link"] if text:
            yield text, False
        case ["sitemapindex", "sitemap", "loc"] if text:
            yield text, True
        case ["feed", "entry", "link"] if element.get("rel", "alternate") == "alternate":
            yield element.get("href", ""), False


def _plain(tag: str) -> str:
    """Drop the namespace: where an element stands tells `image:loc` from a location."""
    return tag.rpartition("}")[2]
