"""HTML cut into tags and text in one pass whose time is linear in the length, whatever is sent.

After the tokenizer of the WHATWG HTML Standard (13.2.5), without a tree. The standard library's
parser is quadratic on unclosed constructs (a page of `<!--` repeated holds a thread for minutes):
here every construct that is not closed takes the rest of the page, as the standard says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,60}")
_ATTRIBUTE = re.compile(
    r"[\s/]*+(?:(>)|([^\s/>][^\s/>=]*+)"
    r"(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>][^\s>]*+)))?+)"
)
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_ESCAPABLE = {"textarea", "title"}
MAX_ATTRIBUTES = 60


@dataclass(slots=True)
class Tag:
    """A start tag with its attributes (the first of a name counts), or an end tag."""

    name: str
    end: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def text_of(source: str) -> str:
    """Resolve character references; a number that is no code point becomes U+FFFD."""
    return unescape(_LONG_REFERENCE.sub("\ufffd", source)) if "&" in source else source


def tokens(html: str) -> Iterator[Tag | str]:
    """Give tags and pieces of text in order. Never raises."""
    place = 0
    while (start := html.find("<", place)) >= 0:
        if start > place:
            yield text_of(html[place:start])
        following = html[start + 1 : start + 2]
        if following in {"!", "?"}:
            place = _after_markup(html, start)
            continue
        end = following == "/"
        name = _NAME.match(html, start + 1 + end)
        if name is None:
            yield "<"
            place = start + 1
            continue
        tag = Tag(name[0].lower(), end)
        place = _read_attributes(html, name.end(), tag)
        if place < 0:
            return
        yield tag
        if not end and tag.name in _RAW:
            raw, place = _raw(html, place, tag.name)
            if raw:
                yield text_of(raw) if tag.name in _ESCAPABLE else raw
            yield Tag(tag.name, end=True)
    if place < len(html):
        yield text_of(html[place:])


def _after_markup(html: str, start: int) -> int:
    """Return where a comment, a doctype or a processing instruction is over."""
    if html.startswith("<!--", start):
        if html.startswith((">", "->"), start + 4):
            return html.index(">", start) + 1
        end = html.find("-->", start + 4)
        return end + 3 if end >= 0 else len(html)
    end = html.find(">", start)
    return end + 1 if end >= 0 else len(html)


def _read_attributes(html: str, place: int, tag: Tag) -> int:
    """Fill in the attributes; return where the tag is over, -1 if it never is."""
    while found := _ATTRIBUTE.match(html, place):
        place = found.end()
        if found[1]:
            return place
        if len(tag.attributes) < MAX_ATTRIBUTES:
            value = found[3] or found[4] or found[5] or ""
            tag.attributes.setdefault(found[2].lower(), text_of(value))
    return -1


def _raw(html: str, place: int, name: str) -> tuple[str, int]:
    """Return what stands before the end tag of a raw text element, and where that tag is over."""
    end = _RAW[name].search(html, place)
    if end is None:
        return html[place:], len(html)
    close = html.find(">", end.end())
    return html[place : end.start()], close + 1 if close >= 0 else len(html)
