"""What `run` says where there is no terminal: events in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Self

from connectors_core.cli.progress import SHOWN, Line, Meter
from connectors_core.herder.model import ConnectorStatus, State

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


class PlainView:
    """Logs every change of state and every gap at once, and every few seconds who moved.

    They are log events, so that stderr stays one JSON object a line where that is asked for.
    """

    def __init__(self) -> None:
        self._meter = Meter()
        self._states: dict[str, State] = {}
        self._records: dict[str, int] = {}
        self._gaps: dict[str, str] = {}
        self._next = time.monotonic() + EVERY_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, statuses: Sequence[ConnectorStatus]) -> None:
        now = time.monotonic()
        lines = self._meter.lines(statuses, now)
        for line in lines:
            if self._states.get(line.name) is not line.state:
                self._states[line.name] = line.state
                _log("state", line)
            if line.gap and self._gaps.get(line.name) != line.gap:
                self._gaps[line.name] = line.gap
                log.warning("source tells a gap", extra={"connector": line.name, "gap": line.gap})
        if now >= self._next:
            self._next = now + EVERY_SECONDS
            self._progress(lines)

    def _progress(self, lines: Sequence[Line]) -> None:
        moved = [line for line in lines if self._records.get(line.name, 0) != line.records]
        self._records = {line.name: line.records for line in lines}
        for line in moved[:SHOWN]:
            _log("progress", line)
        if rest := moved[SHOWN:]:
            total = sum(line.records for line in rest)
            log.info("progress of others", extra={"connectors": len(rest), "records": total})


def _log(event: str, line: Line) -> None:
    extra = {
        "connector": line.name,
        "state": str(line.state),
        "records": line.records,
        "records_per_second": round(line.rate or 0),
        "freshness": line.freshness,
    }
    if line.trouble:
        extra["error"] = line.trouble
    log.info(event, extra=extra)
