"""`pyconnect pause`, `resume` and `restart`: words to the running worker."""

from __future__ import annotations

from pathlib import Path

import click

from connectors_core.cli.escape import one_line
from connectors_core.cli.options import data_dir_options, examples


@click.command(epilog=examples("pyconnect pause prices"))
@click.argument("name")
@data_dir_options
def pause(name: str, data_dir: Path) -> None:
    """Pause the connector NAME: what is read is committed, and nothing more is read."""
    _send(data_dir, "pause", name)


@click.command(epilog=examples("pyconnect resume prices"))
@click.argument("name")
@data_dir_options
def resume(name: str, data_dir: Path) -> None:
    """Resume the connector NAME where it was paused."""
    _send(data_dir, "resume", name)


@click.command(epilog=examples("pyconnect restart prices"))
@click.argument("name")
@data_dir_options
def restart(name: str, data_dir: Path) -> None:
    """Restart the connector NAME from its committed offsets, whatever state it is in.

    One that is FENCED is taken back from the worker that took it over, which stops as FENCED.
    """
    _send(data_dir, "restart", name)


def _send(data_dir: Path, command: str, name: str) -> None:
    from connectors_core.app import control

    control(data_dir, command, name)
    click.echo(one_line(f"{name}: {command} accepted."), err=True)
