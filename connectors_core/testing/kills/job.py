"""Job: what a child process is to do with a source, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from connectors_core.testing.kills.plot import Plot


@dataclass(frozen=True, slots=True)
class Job:
    """`do` is `run` (a worker on a plot), `schemas` (what the values look like) or `partitions`.

    `options` are the source's. With `count`, a run ends when so many records are stored on the plot,
    by former workers too; else when the source ends. `crash` is what `runtime.crash` is
    armed with, or `count` to count arrivals.
    """

    do: str
    plot: Plot
    options: Mapping[str, Any]
    count: int | None = None
    crash: str = ""

    @classmethod
    def read(cls, text: str | bytes) -> Job:
        """Return the job that `written` wrote."""
        found = json.loads(text)
        return cls(**{**found, "plot": Plot.of(found["plot"])})

    def written(self) -> bytes:
        """Return it as a line of JSON. It may hold secrets."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended: the exit code (-9: killed), the error's text, and what it found."""

    code: int
    text: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)
