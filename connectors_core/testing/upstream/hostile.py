"""Hostile data: an answer as it was, but for one place, or nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

DEPTH = 100_000
FILLER, TIMES = b"x" * 62_500, 800

_NUMBER = rb"(?P<number>(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))"
_JSON = re.compile(rb'"(?:[^"\\]|\\.)*"\s*:|(?P<text>"(?:[^"\\]|\\.)*")|' + _NUMBER)
"""Values of JSON, the names of its fields passed over."""
_PLAIN = re.compile(_NUMBER + rb"|(?P<text>[A-Za-z]\w+)")
_QUOTED_NUMBER = re.compile(rb'"-?\d+(?:\.\d+)?"')
_INTO: Mapping[str, tuple[bytes, bytes]] = {
    "nul": (rb"\u0000", b"\x00"),
    "lone-surrogate": (rb"\ud800", b"\xed\xa0\x80"),
}
"""What a text ends with: as JSON escapes it, and as it is (a surrogate has no UTF-8)."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Bytes that nobody has to hold: `head`, then `times` times the filler, then `tail`."""

    head: bytes
    times: int = 0
    tail: bytes = b""

    def __len__(self) -> int:
        return len(self.head) + self.times * len(FILLER) + len(self.tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        for _ in range(self.times):
            yield FILLER
        yield self.tail


class Spoiler:
    """Spoils one answer after the other, each in its next place."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._turn = -1

    def __call__(self, body: bytes) -> Spoiled:
        """Return what is sent instead of this answer."""
        self._turn += 1
        return spoil(body, self.kind, self._turn)

    def part(self, chunk: bytes) -> Spoiled:
        """Return what is sent instead of a part of a stream, which is none without anything in it."""
        return Spoiled(chunk) if self.kind == "empty" else self(chunk)


def spoil(body: bytes, kind: str, turn: int) -> Spoiled:
    """Return an answer with hostile data of this kind (see `faults.HOSTILE`) in its `turn`-th place.

    Places are counted round, so that a row of answers is bad in each of them. An answer that has
    none becomes a single bad value.
    """
    if kind == "empty":
        return Spoiled(b"")
    plain = body.lstrip().startswith(b"<") or b'"' not in body
    if kind == "deep" and plain:
        return Spoiled(_deep(b"<b>", b"</b>") if b"<" in body else _deep(b"[", b"]"))
    places = [each for each in (_PLAIN if plain else _JSON).finditer(body) if _fits(each, kind)]
    if not places:
        return _value(b'""', kind, plain=False)
    place = places[turn % len(places)]
    value = _value(place[0], kind, plain)
    return Spoiled(
        body[: place.start()] + value.head, value.times, value.tail + body[place.end() :]
    )


def _fits(place: re.Match[bytes], kind: str) -> bool:
    if kind == "nan":
        return place["number"] is not None or bool(_QUOTED_NUMBER.fullmatch(place[0]))
    if kind in _INTO:
        return place["text"] is not None
    return place.lastgroup is not None


def _value(value: bytes, kind: str, plain: bool) -> Spoiled:
    quote = b"" if plain else b'"'
    if kind == "huge":
        return Spoiled(quote, TIMES, quote)
    if kind == "deep":
        return Spoiled(_deep(b"[", b"]"))
    if kind == "nan":
        return Spoiled(b'"NaN"' if value.startswith(b'"') and len(value) > 2 else b"NaN")
    escaped, raw = _INTO[kind]
    return Spoiled(value + raw if plain else value[:-1] + escaped + quote)


def _deep(opening: bytes, closing: bytes) -> bytes:
    return opening * DEPTH + closing * DEPTH
