"""`pyconnect status`: what the running worker does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connectors_core.api.errors import PyconnectError
from connectors_core.cli.failure import tell
from connectors_core.cli.options import data_dir_options, examples, json_option
from connectors_core.cli.output import print_json, print_table
from connectors_core.cli.progress import gap

_HEADS = (
    "connector",
    "state",
    "tasks",
    "records",
    "rejected",
    "errors",
    "restarts",
    "idle",
    "last error",
)


@click.command(
    epilog=examples(
        "pyconnect status",
        "pyconnect status --json | jq '.connectors[].state'",
        "pyconnect status --check          # for a health check",
    )
)
@click.option(
    "--check",
    is_flag=True,
    help="Exit 0 only if a worker runs and no connector is FAILED, else 1.",
)
@data_dir_options
@json_option
@click.pass_context
def status(ctx: click.Context, check: bool, data_dir: Path, as_json: bool) -> None:
    """Show the connectors of the worker that runs on this data directory."""
    from connectors_core.app import control

    try:
        found = control(data_dir, "status")
    except PyconnectError as error:
        if not check:
            raise
        tell(error)
        ctx.exit(1)
    connectors: Sequence[Mapping[str, Any]] = found["connectors"]
    if as_json:
        print_json(found)
    else:
        print_table(_HEADS, [_row(connector) for connector in connectors])
    if check and any(connector["state"] == "FAILED" for connector in connectors):
        ctx.exit(1)


def _row(connector: Mapping[str, Any]) -> tuple[object, ...]:
    idle, failure = connector["idle_seconds"], connector["failure"]
    return (
        connector["name"],
        connector["state"],
        len(connector["tasks"]),
        connector["records"],
        connector["rejected"],
        connector["errors"],
        connector["restarts"],
        None if idle is None else f"{idle:.0f} s",
        # A note is of now; the last error may be long ago.
        connector["note"] or (failure["text"] if failure else None) or gap(connector["facts"]),
    )
