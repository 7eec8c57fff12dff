"""What changed from one poll of a feed to the next: NEW, UP, UPDATED, ENDED."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors_core import State
from pyconnect_keyword_trends.event import digest
from pyconnect_keyword_trends.feed import Term
from pyconnect_keyword_trends.record import Change

PREFIX = "term|"
ABSENT = 2


@dataclass(frozen=True, slots=True)
class Known:
    """A term as last told, and in how many polls in a row it was absent."""

    term: Term
    absent: int = 0

    def row(self) -> list[Any]:
        """Return what is stored."""
        term = self.term
        news = [list(article) for article in term.news]
        return [term.title, term.volume_text, term.volume, term.started, news, self.absent]

    @classmethod
    def of(cls, row: Any) -> Known:
        """Read what was stored."""
        title, text, volume, started, news, absent = row
        articles = tuple((article[0], article[1], article[2]) for article in news)
        return cls(Term(title, text, volume, started, articles), absent)


def load(state: State) -> dict[str, Known]:
    """Read the known terms by the key of their row."""
    known: dict[str, Known] = {}
    after = ""
    while rows := state.scan(PREFIX, after=after):
        known.update((key, Known.of(value)) for key, value in rows)
        after = rows[-1][0]
    return known


def row_key(term: Term) -> str:
    """Return the key of the row in which a term is known."""
    return PREFIX + digest(term.title)


def changes(
    known: Mapping[str, Known], terms: tuple[Term, ...]
) -> Iterator[tuple[str, Known | None, Change | None]]:
    """Give row, what is known from now on (None: nothing), and the change to tell, if any."""
    present = {row_key(term): term for term in terms}
    for key, term in present.items():
        old = known.get(key)
        change = _change(old.term if old else None, term)
        if old is None or change is not None or old.absent:
            yield key, Known(term), change
    for key, old in sorted(known.items()):  # as it is loaded: a restart changes no order
        if key not in present:
            yield from _absence(key, old)


def unchanged(
    known: Mapping[str, Known],
) -> Iterator[tuple[str, Known | None, Change | None]]:
    """Give the changes of a poll that was answered `304`: what was absent still is."""
    for key, old in known.items():
        if old.absent:
            yield from _absence(key, old)


def _absence(key: str, old: Known) -> Iterator[tuple[str, Known | None, Change | None]]:
    if old.absent + 1 >= ABSENT:
        yield key, None, Change.ENDED
    else:
        yield key, replace(old, absent=old.absent + 1), None


def _change(old: Term | None, new: Term) -> Change | None:
    """Say what is to be told. The order of news and their titles change all the time: no news."""
    if old is None or (new.started or 0) > (old.started or 0):
        return Change.NEW
    if (new.volume or 0) > (old.volume or 0):
        return Change.UP
    if new.volume_text != old.volume_text or {n[1] for n in new.news} != {n[1] for n in old.news}:
        return Change.UPDATED
    return None
