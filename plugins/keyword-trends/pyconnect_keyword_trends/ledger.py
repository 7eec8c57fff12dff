"""Ledger: turns the events of a stream into Batches that hold counts, cursor and records together.

Every Batch moves the offset, the counts, the marks of counted events and the records of closed
windows at once, so whatever was stored last, the same events lead to the same windows from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

from connectors_core import Batch, Offset, OffsetError, Record, State
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.event import FIRST_US, LAST_US, Event
from pyconnect_keyword_trends.match import Matcher, fold
from pyconnect_keyword_trends.record import Gap, KeywordTrend, Sample, event_id, instant
from pyconnect_keyword_trends.seen import Seen
from pyconnect_keyword_trends.tally import Tally, load, place_of
from pyconnect_keyword_trends.timeline import ROW, Timeline
from pyconnect_keyword_trends.watchlist import Watchlist

TELL = 500
HITS = 1000
AUTHORS_TOTAL = 200_000


class Ledger:
    """The counts of one stream. Pure but for `state`; `wall` is ms by the clock at the start.

    Raises OffsetError for an offset that is not one of this source.
    """

    def __init__(
        self, config: TrendsConfig, state: State, offset: Offset | None, wall: int
    ) -> None:
        self.config = config
        self.cursor, self._bad = _read_offset(offset)
        self._offset: Offset | None = dict(offset) if offset else None
        self._seen = Seen(state)
        self._open = load(state)
        self._authors = sum(len(t.authors) for w in self._open.values() for t in w.values())
        self._line = Timeline.load(config, state.get(ROW), self.cursor, wall)
        norms = {fold(keyword): keyword for keyword in config.keywords}
        self._watch = Watchlist.load(state, norms, config.match, self._line.now)
        self._matcher = Matcher(norms, words=config.match == "word")
        self._gaps: list[Record] = []
        self._hits = 0
        self.facts = {"duplicates": 0, "replayed": 0, "late_dropped": self._line.late, "gaps": 0}
        for mark in self._bad:
            self._seen.add(mark, self.cursor or 0)

    @property
    def full(self) -> bool:
        """Whether a Batch made now would be large enough."""
        return self._hits >= HITS

    def add(self, event: Event) -> None:
        """Take one event."""
        horizon = self._line.newest - self.config.rewind_us
        gap = self._line.hear(event.us)
        if gap is not None:
            self._gaps.append(_gap_record(self.config.provider, *gap))
            self.facts["gaps"] += 1
        self.cursor = max(self.cursor or 0, event.us)
        if event.text is not None and (found := self._matcher.count(fold(event.text))):
            self._match(event, found, horizon)

    def _match(self, event: Event, found: dict[str, int], horizon: int) -> None:
        line = self._line
        start = line.start_of(event.us)
        if event.mark in self._seen:
            self.facts["duplicates"] += 1
        elif event.us < horizon and line.resume is not None and event.us < line.resume:
            self.facts["replayed"] += 1
        elif event.us < horizon or start < line.sealed:
            line.late += 1
            self.facts["late_dropped"] = line.late
            if event.us >= horizon:
                self._seen.add(event.mark, event.us)
        else:
            self._seen.add(event.mark, event.us)
            self._count(event, found, self._open.setdefault(start, {}))

    def _count(self, event: Event, found: dict[str, int], window: dict[str, Tally]) -> None:
        for norm, occurrences in found.items():
            tally = window.setdefault(norm, Tally(self._watch.names[norm]))
            limit = min(self.config.authors_max - len(tally.authors), AUTHORS_TOTAL - self._authors)
            self._authors += tally.add(event, occurrences, self.config.samples, limit)
            self._hits += 1

    def idle(self, us: int) -> None:
        """Take `us` of silence on an open connection."""
        self._line.idle(us, self.config.idle_close)

    def bad(self, mark: str) -> Offset | None:
        """Return the offset that goes with a Reject of an unreadable frame; None: already told.

        The frame has no time, so its mark goes into the offset, and from there into the rows with
        the next Batch. To be called after `batches`.
        """
        if mark in self._seen:
            return None
        self._seen.add(mark, self.cursor or 0)
        self._bad.append(mark)
        self._offset = {"cursor": self.cursor, "bad": ",".join(self._bad)}
        return self._offset

    def batches(self, wall: int, *, force: bool = False) -> Iterator[Batch]:
        """Give what is to be stored: one Batch, and one more for every further 500 records.

        `force` stores the clock though nothing else changed.
        """
        telling = self._tell()
        records, gone = next(telling, ([], {}))
        offset: Offset | None = {"cursor": self.cursor} if self.cursor is not None else None
        moved = offset is not None and offset != self._offset
        state: dict[str, Any] = {**gone, **self._rows()}
        if not (moved or records or state or force):
            return
        records, self._gaps, self._hits = [*self._gaps, *records], [], 0
        self._bad = []
        if moved:
            self._offset = offset
        row = self._line.row(wall)
        yield Batch(records, offset if moved else None, {**state, ROW: row})
        for records, gone in telling:
            yield Batch(records, None, {**gone, ROW: self._line.row(wall)})

    def _rows(self) -> dict[str, Any]:
        rows = self._seen.rows(self._line.newest - self.config.rewind_us)
        rows.update(self._watch.rows())
        for start, window in self._open.items():
            for norm, tally in window.items():
                rows.update(tally.rows(place_of(start, norm)))
        return rows

    def _tell(self) -> Iterator[tuple[list[Record], dict[str, Any]]]:
        """Give the records of windows that are over, at most 500 at a time, with their rows gone."""
        records: list[Record] = []
        gone: dict[str, Any] = {}
        for told, rows in chain(self._regrid(), self._over()):
            records += told
            gone |= rows
            if len(records) >= TELL:
                yield records, gone
                records, gone = [], {}
        if records or gone:
            yield records, gone

    def _over(self) -> Iterator[tuple[list[Record], dict[str, Any]]]:
        """Give every keyword of every window that is over, by time and keyword."""
        line = self._line
        while self._skip():
            start = line.closed
            window = self._open.setdefault(start, {})
            for norm in sorted(n for n in {*self._watch.names, *window} if n > line.told):
                line.told = norm
                yield self._close(norm, start, window)
            del self._open[start]
            line.close(start + line.window)

    def _regrid(self) -> Iterator[tuple[list[Record], dict[str, Any]]]:
        """Tell what was counted in windows of another length; `window` has changed."""
        line = self._line
        if line.window == self.config.window:
            return
        line.gaps = [[0, line.now]]
        for start in sorted(self._open):
            for norm in sorted(self._open[start]):
                yield self._close(norm, start, self._open[start])
            del self._open[start]
        line.window = self.config.window
        line.closed, line.told = line.start_of(line.now), ""

    def _skip(self) -> bool:
        """Pass over windows that lie in a gap and counted nothing: they are never told as zero.

        Returns whether another window is over.
        """
        line = self._line
        for first, last in line.gaps:
            end = min([last // 1000 - last // 1000 % line.window, line.sealed, *self._open])
            if first <= line.closed * 1000 and end > line.closed:
                line.close(end)
        return line.newest > 0 and line.closed + line.window <= line.sealed

    def _close(
        self, norm: str, start: int, window: dict[str, Tally]
    ) -> tuple[list[Record], dict[str, Any]]:
        """Tell one keyword of one window; return its record, if any, and the rows that are gone."""
        end = start + self._line.window
        since = self._watch.counted_since(norm, start * 1000)
        incomplete = self._line.in_gap(start, end) or not since
        tally = window.pop(norm, None)
        if tally is None:
            if incomplete:
                return [], {}
            return [self._trend(norm, Tally(self._watch.names[norm]), start, False)], {}
        self._authors -= len(tally.authors)
        return [self._trend(norm, tally, start, incomplete)], tally.gone(place_of(start, norm))

    def _trend(self, norm: str, tally: Tally, start: int, incomplete: bool) -> Record:
        provider, end = self.config.provider, start + self._line.window
        value = KeywordTrend(
            provider=provider,
            keyword=tally.keyword,
            keyword_norm=norm,
            window_start=instant(start),
            window_end=instant(end),
            messages=tally.messages,
            occurrences=tally.occurrences,
            authors=len(tally.authors),
            authors_exact=tally.exact,
            final=True,
            revision=0,
            incomplete=incomplete,
            samples=[Sample(*sample) for sample in tally.samples],
        )
        return Record(
            value,
            key=f"{provider}:{tally.keyword}:{start}",
            timestamp=end,
            headers=[("event_id", event_id(provider, norm, start, end, 0))],
        )


def _gap_record(provider: str, first: int, last: int, reason: str) -> Record:
    value = Gap(provider, instant(first // 1000), instant(last // 1000), reason)
    return Record(
        value,
        key=f"{provider}:{first}",
        topic="gaps",
        timestamp=last // 1000,
        headers=[("event_id", event_id(provider, "gap", first, last))],
    )


def _read_offset(offset: Offset | None) -> tuple[int | None, list[str]]:
    if not offset:
        return None, []
    cursor, bad = offset.get("cursor"), offset.get("bad", "")
    known = cursor is None or (type(cursor) is int and FIRST_US <= cursor < LAST_US)
    if not known or not isinstance(bad, str):
        raise OffsetError(
            f"offset {dict(offset)}: cursor must be microseconds since the epoch."
            " Set such a one, or reset the offsets of this connector."
        )
    return cast("int | None", cursor), [mark for mark in bad.split(",") if mark]
