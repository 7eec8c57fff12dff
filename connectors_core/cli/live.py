"""The live table of `run` on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from connectors_core.cli.escape import one_line
from connectors_core.cli.progress import SHOWN, Line, Meter
from connectors_core.herder.model import ConnectorStatus, State

_STYLE = {
    State.RUNNING: "green",
    State.COMPLETED: "cyan",
    State.FAILED: "bold red",
    State.RESTARTING: "yellow",
    State.PAUSED: "magenta",
    State.STOPPED: "dim",
}
_FRAME_LINES = 6


class LiveView:
    """Shows connectors in a table on stderr that is drawn only when it is given something new.

    What is logged meanwhile stands above the table.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._meter = Meter()
        self._live = Live(
            console=self._console,
            # Drawn when shown: four times a second cost 1 % of a core for three connectors.
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, statuses: Sequence[ConnectorStatus]) -> None:
        lines = self._meter.lines(statuses, time.monotonic())
        room = max(1, min(SHOWN, self._console.size.height - _FRAME_LINES))
        self._live.update(picture(lines, room), refresh=True)


def picture(lines: Sequence[Line], room: int) -> RenderableType:
    """Return the table of the first `room` lines and a count of the rest."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head, right in (("connector", 0), ("state", 0), ("records/s", 1), ("total", 1)):
        table.add_column(head, justify="right" if right else "left", no_wrap=True)
    table.add_column("lag or freshness", no_wrap=True)
    table.add_column("last error", no_wrap=True, ratio=1, overflow="ellipsis")
    for line in lines[:room]:
        table.add_row(*_cells(line))
    rest = len(lines) - room
    return Group(table, Text(f"… and {rest:,} more", style="dim")) if rest > 0 else table


def _cells(line: Line) -> tuple[Text, ...]:
    # Text, not str: rich reads [markup] in a str.
    return (
        Text(one_line(line.name)),
        Text(line.state, style=_STYLE[line.state]),
        Text("-" if line.rate is None else f"{line.rate:,.0f}"),
        Text(f"{line.records:,}"),
        Text(one_line(line.freshness)),
        Text(one_line(line.trouble or line.gap)),
    )
