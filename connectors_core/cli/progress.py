"""What is shown of connectors while they run: worst first, with a rate, how fresh, what is wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors_core.herder.model import ConnectorStatus, State

SHOWN = 30
"""Rows of a table; of a thousand connectors the worst are shown, and a count of the rest."""
_WINDOW_SECONDS = 5.0
_RANK = {
    State.FAILED: 0,
    State.RESTARTING: 1,
    State.RUNNING: 2,
    State.PAUSED: 3,
    State.STOPPED: 4,
    State.COMPLETED: 5,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One connector as shown: `rate` in records a second, None before two looks at it."""

    name: str
    state: State
    rate: float | None
    records: int
    freshness: str
    trouble: str
    gap: str


@dataclass(slots=True)
class Meter:
    """Remembers how many records there were, to say how many come in a second."""

    _samples: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    def lines(self, statuses: Sequence[ConnectorStatus], now: float) -> list[Line]:
        """Return a line for each connector, worst first; `now` is in seconds, monotonic."""
        return [self._line(status, now) for status in worst_first(statuses)]

    def _line(self, status: ConnectorStatus, now: float) -> Line:
        rate = self._rate(status, now)
        return Line(
            status.name,
            status.state,
            rate,
            status.records,
            freshness(status),
            trouble(status),
            gap(status.facts),
        )

    def _rate(self, status: ConnectorStatus, now: float) -> float | None:
        samples = self._samples.setdefault(status.name, deque())
        samples.append((now, status.records))
        while len(samples) > 2 and now - samples[1][0] >= _WINDOW_SECONDS:
            samples.popleft()
        (since, before), (until, after) = samples[0], samples[-1]
        return max(0, after - before) / (until - since) if until > since else None


def worst_first(statuses: Sequence[ConnectorStatus]) -> list[ConnectorStatus]:
    """Return the connectors by how much they need a look: by state, then the longest idle."""
    return sorted(
        statuses,
        key=lambda status: (
            _RANK[status.state],
            not trouble(status),
            -(status.idle_seconds or 0.0),
            status.name,
        ),
    )


def freshness(status: ConnectorStatus) -> str:
    """Return the lag that the source reports, else how long ago the last commit was."""
    reported = [facts["lag"] for facts in status.facts.values() if "lag" in facts]
    if numbers := [lag for lag in reported if isinstance(lag, int | float)]:
        return f"lag {sum(numbers):,}"
    if status.idle_seconds is None:
        return "-"
    return "now" if status.idle_seconds < 1 else f"{status.idle_seconds:.0f} s ago"


def trouble(status: ConnectorStatus) -> str:
    """Return why a connector is not well, or what it says of itself; empty if nothing."""
    return status.failure.text if status.failure else status.note


def gap(facts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the source reports to be missing since the start, by partition; empty if nothing."""
    told = [str(each["gap"]) for each in facts.values() if each.get("gap")]
    more = f", and {len(told) - 1} more" if len(told) > 1 else ""
    return f"gap: {told[-1]}{more}" if told else ""
