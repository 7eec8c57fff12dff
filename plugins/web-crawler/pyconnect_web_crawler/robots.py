"""robots.txt: RFC 9309, and where it leaves room, as Google's parser reads it.

Bytes are matched as bytes (read as Latin-1, then percent-encoded), so a bad byte in a comment does
not void the file. Known misspellings and a missing colon are accepted, as Google does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_BYTES = 500 * 1024
"""RFC 9309 2.5: at least 500 KiB are parsed; what comes after is not."""
MAX_LINE = 2083 * 8 - 1
_BOM = (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef")
_TOKEN = re.compile(r"[a-zA-Z_-]*")
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}")
_ALLOW = ("allow",)
_DISALLOW = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_AGENT = ("user-agent", "useragent", "user agent")
_SITEMAP = ("sitemap", "site-map")
_DELAY = ("crawl-delay", "crawldelay")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a robots.txt says to one agent: (allow?, pattern) pairs, delay in seconds, sitemaps."""

    lines: tuple[tuple[bool, str], ...] = ()
    delay: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allow(self, path: str) -> bool:
        """Say whether a path with its query may be fetched.

        RFC 9309 2.2.2: the longest match wins, and allow wins a tie. `/robots.txt` itself is
        always allowed.
        """
        if path == "/robots.txt":
            return True
        path = _ESCAPED.sub(lambda found: found[0].upper(), path)
        best = {True: 0, False: 0}
        for allowed, pattern in self.lines:
            if len(pattern) > best[allowed] and _matches(path, pattern):
                best[allowed] = len(pattern)
        return best[False] <= best[True]


def product_token(user_agent: str) -> str:
    """Return the name that robots.txt calls us by: the letters, `-` and `_` at the start."""
    found = _TOKEN.match(user_agent)
    return found[0] if found else ""


def path_of(url: str) -> str:
    """Return the path and query of a URL, without fragment, starting with a slash."""
    rest = url.split("#", 1)[0]
    early = re.search(r"[/?;]", rest)
    colon = rest.find("://")
    if colon >= 0 and (early is None or early.start() >= colon):
        rest = rest[colon + 3 :]
    elif rest.startswith("//"):
        rest = rest[2:]
    start = re.search(r"[/?;]", rest)
    if start is None:
        return "/"
    path = rest[start.start() :]
    return path if path.startswith("/") else "/" + path


def parse(body: bytes, agent: str) -> Rules:
    """Return what `body` says to `agent`: all groups that name it, else those for `*`."""
    reader = _Reader(agent.lower())
    for key, value in _lines(body):
        reader.take(key, value)
    return reader.rules()


class _Reader:
    """Gathers the groups for one agent and for everyone while the lines go by."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.named: list[tuple[bool, str]] = []
        self.everyone: list[tuple[bool, str]] = []
        self.delays: dict[bool, float] = {}
        self.sitemaps: list[str] = []
        self.ever_named = False
        self._in_named = self._in_everyone = self._rules_began = False

    def rules(self) -> Rules:
        lines = self.named if self.ever_named else self.everyone
        delay = self.delays.get(self.ever_named)
        return Rules(tuple(lines), delay, tuple(self.sitemaps))

    def take(self, key: str, value: str) -> None:
        if key.startswith(_AGENT):
            self._group(value)
        elif key.startswith(_ALLOW):
            self._rule(True, _escape(value))
        elif key.startswith(_DISALLOW):
            self._rule(False, _escape(value))
        # RFC 9309 2.2.4: other records do not close a group.
        elif key.startswith(_SITEMAP):
            self.sitemaps.append(value)
        elif key.startswith(_DELAY):
            self._delay(value)

    def _group(self, value: str) -> None:
        if self._rules_began:
            self._in_named = self._in_everyone = self._rules_began = False
        if re.match(r"\*(\s|$)", value):
            self._in_everyone = True
        elif product_token(value).lower() == self.agent and self.agent:
            self._in_named = self.ever_named = True

    def _rule(self, allow: bool, pattern: str) -> None:
        if not (self._in_named or self._in_everyone):
            return
        self._rules_began = True
        target = self.named if self._in_named else self.everyone
        target.append((allow, pattern))
        slash = pattern.rfind("/")
        # A directory is allowed with its index page, as Google does.
        if allow and slash >= 0 and pattern.startswith("/index.htm", slash):
            target.append((True, pattern[: slash + 1] + "$"))

    def _delay(self, value: str) -> None:
        if not (self._in_named or self._in_everyone):
            return
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            self.delays.setdefault(self._in_named, float(value))


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    for mark in _BOM:
        if body.startswith(mark):
            body = body[len(mark) :]
            break
    for line in re.split(r"\r\n|\r|\n", body[:MAX_BYTES].decode("latin-1")):
        pair = _pair(line[:MAX_LINE].split("#", 1)[0].strip(" \t\v\f\0"))
        if pair is not None:
            yield pair


def _pair(line: str) -> tuple[str, str] | None:
    key, colon, value = line.partition(":")
    if not colon:
        words = line.split()
        if len(words) != 2:
            return None
        key, value = words
    key = key.strip().lower()
    return (key, value.strip()) if key else None


def _escape(pattern: str) -> str:
    """Percent-encode what is not ASCII, and write hex digits in upper case."""
    if not pattern.isascii():
        pattern = "".join(c if c < "\x80" else f"%{ord(c):02X}" for c in pattern)
    return _ESCAPED.sub(lambda found: found[0].upper(), pattern)


def _matches(path: str, pattern: str) -> bool:
    """Match from the start; `*` is any text, `$` at the end is the end. Time is linear in both."""
    anchored = pattern.endswith("$")
    first, *rest = (pattern[:-1] if anchored else pattern).split("*")
    if not path.startswith(first):
        return False
    place = len(first)
    if not rest:
        return not anchored or place == len(path)
    return _match_rest(path, place, rest, anchored)


def _match_rest(path: str, place: int, rest: Iterable[str], anchored: bool) -> bool:
    *middle, last = rest
    for piece in middle:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    if anchored:
        return path.endswith(last) and len(path) - len(last) >= place
    return path.find(last, place) >= 0
