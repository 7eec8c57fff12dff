"""Timeline: event time of the stream, what of it was heard, and which windows are over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyconnect_keyword_trends.config import TrendsConfig

ROW = "timeline"
# Two servers of one service stamp the same event within this; a smaller hole is not told apart.
TOLERANCE_US = 1_000_000
# More silence than this in a stream that tells of every change of every account is a hole.
SILENCE_US = 3_600_000_000
# Within this of where the stream should be, silence is silence and not a replay that stalls.
CAUGHT_UP_US = 120_000_000
MOST_GAPS = 32


@dataclass(slots=True)
class Timeline:
    """`newest` is the newest event's time, `now` the estimate of event time (us): the newest event,
    or later after a silence. `closed` is the end of the last window told (ms), `told` the last
    keyword told of the window after it. `gaps` are stretches not heard (us), the time before the
    first event among them. `late` counts matches that came after their window.
    """

    window: int
    out_of_order: int
    newest: int = 0
    now: int = 0
    closed: int = 0
    told: str = ""
    late: int = 0
    wall: int = 0
    gaps: list[list[int]] = field(default_factory=list)
    resume: int | None = None
    heard: bool = False
    target: int = 0
    idle_us: int = 0

    @classmethod
    def load(cls, config: TrendsConfig, row: Any, resume: int | None, wall: int) -> Timeline:
        """Go on from the stored row; `resume` is the stored cursor, `wall` ms by the clock."""
        line = cls(config.window, config.max_out_of_order, resume=resume)
        if isinstance(row, dict):
            for name in ("window", "newest", "now", "closed", "told", "late", "wall", "gaps"):
                setattr(line, name, row[name])
            # What the clock says has passed must be replayed before silence may close windows.
            line.target = line.now + (wall - line.wall) * 1000 - CAUGHT_UP_US
        return line

    def row(self, wall: int) -> dict[str, Any]:
        """Return what is stored."""
        self.wall = wall
        names = ("window", "newest", "now", "closed", "told", "late", "wall", "gaps")
        return {name: getattr(self, name) for name in names}

    @property
    def sealed(self) -> int:
        """The end of the last window that is over (ms): at the watermark, never going back."""
        watermark = self.now // 1000 - self.out_of_order
        return max(self.closed, watermark - watermark % self.window)

    def start_of(self, us: int) -> int:
        """Return the start of the window (ms) that an event belongs to."""
        return us // 1000 - us // 1000 % self.window

    def hear(self, us: int) -> tuple[int, int, str] | None:
        """Take the time of an event; return the gap before it, if that is one to declare."""
        gap = self._gap(us)
        self.heard, self.idle_us = True, 0
        if not self.newest:
            self.closed = self.start_of(us)
            self.gaps.append([0, us])
        elif gap is not None:
            self.gaps.append([gap[0], gap[1]])
            self._merge_gaps()
        self.newest = max(self.newest, us)
        self.now = max(self.now, us)
        return gap

    def _gap(self, us: int) -> tuple[int, int, str] | None:
        if not self.heard and self.resume is not None and us > self.resume + TOLERANCE_US:
            # The cursor is inclusive, so a server that still had it would have sent its event.
            return self.resume, us, "cursor-too-old"
        if self.newest and us > self.now + SILENCE_US:
            return self.newest, us, "silence"
        return None

    def _merge_gaps(self) -> None:
        while len(self.gaps) > MOST_GAPS:
            (first, _), (_, last) = self.gaps[:2]
            self.gaps[:2] = [[first, last]]

    def idle(self, us: int, idle_close: int) -> None:
        """Take `us` more of silence on an open connection; from `idle_close` (ms) time goes on."""
        self.idle_us += us
        if not self.newest or self.newest < self.target:
            return
        if self.idle_us - us >= idle_close * 1000:
            self.now += us
        elif self.idle_us >= idle_close * 1000:
            self.now += self.idle_us

    def in_gap(self, start: int, end: int) -> bool:
        """Say whether a gap touches the window [start, end) in ms."""
        return any(a < end * 1000 and b > start * 1000 for a, b in self.gaps)

    def close(self, end: int) -> None:
        """Note that everything before `end` (ms) is told."""
        self.closed, self.told = end, ""
        self.gaps = [gap for gap in self.gaps if gap[1] > end * 1000]
