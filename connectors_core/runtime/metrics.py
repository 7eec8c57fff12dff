"""Counters of a task: written on the data plane, read from any thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors_core.api.record import JsonScalar


@dataclass(slots=True)
class Counters:
    """What a task has done since the connector was started; restarts do not reset it.

    `records` and `bytes` count what is committed; `rejected` and `filtered` what moved the offset
    without being delivered. Times are seconds of the monotonic clock.
    """

    records: int = 0
    bytes: int = 0
    rejected: int = 0
    filtered: int = 0
    commits: int = 0
    errors: int = 0
    restarts: int = 0
    retries: int = 0
    first_pull: float | None = None
    last_commit: float | None = None
    offsets: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, JsonScalar]] = field(default_factory=dict)
