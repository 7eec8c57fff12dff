"""Tally: the counts of one keyword in one window, and the rows of keyed state that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors_core import State
from pyconnect_keyword_trends.event import Event, clean, digest

PREFIX = "count|"
AUTHORS = "authors|"
CHUNK = 256
SAMPLE_CHARS = 300


@dataclass(slots=True)
class Tally:
    """Partial counts. `authors` are digests in the order they came; a row holds 256 of them, so
    that a new one rewrites 4 KiB, not the whole set."""

    keyword: str
    messages: int = 0
    occurrences: int = 0
    samples: list[list[str]] = field(default_factory=list)
    authors: dict[str, None] = field(default_factory=dict)
    exact: bool = True
    stored: bool = False
    stored_authors: int = 0
    changed: bool = False

    def add(self, event: Event, occurrences: int, samples: int, room: int) -> int:
        """Count one post; return how many authors were added, at most `room`."""
        self.messages += 1
        self.occurrences += occurrences
        self.changed = True
        if len(self.samples) < samples:
            text = clean(event.text or "")[:SAMPLE_CHARS]
            self.samples.append([clean(event.id)[:600], text])
        author = digest(event.author)
        if author in self.authors:
            return 0
        if room <= 0:
            self.exact = False
            return 0
        self.authors[author] = None
        return 1

    def rows(self, place: str) -> dict[str, Any]:
        """Return the rows that changed since the last call."""
        if not self.changed:
            return {}
        rows: dict[str, Any] = {
            PREFIX + place: [
                self.keyword,
                self.messages,
                self.occurrences,
                self.samples,
                self.exact,
            ]
        }
        authors = list(self.authors)
        grown = len(authors) > self.stored_authors
        first = self.stored_authors // CHUNK if grown else len(authors)
        for number in range(first, -(-len(authors) // CHUNK)):
            chunk = authors[number * CHUNK : (number + 1) * CHUNK]
            rows[f"{AUTHORS}{place}|{number:04d}"] = "".join(chunk)
        self.changed, self.stored, self.stored_authors = False, True, len(authors)
        return rows

    def gone(self, place: str) -> dict[str, None]:
        """Return the deletion of every row that was stored."""
        if not self.stored:
            return {}
        chunks = range(-(-self.stored_authors // CHUNK))
        return {PREFIX + place: None} | {f"{AUTHORS}{place}|{n:04d}": None for n in chunks}


def place_of(start: int, norm: str) -> str:
    """Return the part of a row's key that names window and keyword; ordered by window."""
    return f"{start:014d}|{norm}"


def load(state: State) -> dict[int, dict[str, Tally]]:
    """Read every open window: tallies by window start (ms) and folded keyword."""
    windows: dict[int, dict[str, Tally]] = {}
    after = ""
    while rows := state.scan(PREFIX, after=after):
        for key, value in rows:
            _, start, norm = key.split("|", 2)
            tally = _read(value, state, place_of(int(start), norm))
            windows.setdefault(int(start), {})[norm] = tally
        after = rows[-1][0]
    return windows


def _read(value: Any, state: State, place: str) -> Tally:
    keyword, messages, occurrences, samples, exact = value
    tally = Tally(keyword, messages, occurrences, samples, exact=exact, stored=True)
    number = 0
    while isinstance(chunk := state.get(f"{AUTHORS}{place}|{number:04d}"), str):
        tally.authors.update((chunk[at : at + 16], None) for at in range(0, len(chunk), 16))
        number += 1
    tally.stored_authors = len(tally.authors)
    return tally
