"""What `promote` shows while it works: a bar on a terminal, warnings everywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from connectors_core.cli.escape import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from connectors_core.app.promotion import Progress


class _Plain:
    """Where stderr is no terminal: warnings alone."""

    def warn(self, text: str) -> None:
        click.echo(f"warning: {one_line(text)}", err=True)

    def at(self, phase: str, done: int, total: int) -> None:
        """Nothing: a log has no use for it."""


class _Live(_Plain):
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def warn(self, text: str) -> None:
        self._bars.console.print(f"warning: {one_line(text)}", markup=False, highlight=False)

    def at(self, phase: str, done: int, total: int) -> None:
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=total)
        self._bars.update(self._tasks[phase], completed=done)


@contextmanager
def view() -> Iterator[Progress]:
    """Show until the end of the block."""
    if not sys.stderr.isatty():
        yield _Plain()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Live(bars)
