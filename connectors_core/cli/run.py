"""`pyconnect run`: the worker."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from connectors_core.cli.logs import FORMATS, LEVELS, set_up
from connectors_core.cli.options import (
    duration,
    examples,
    paths_argument,
    place_options,
    plugin_option,
)
from connectors_core.cli.output import print_json

if TYPE_CHECKING:
    from connectors_core.app import RunOptions
    from connectors_core.cli.live import LiveView
    from connectors_core.cli.plain import PlainView


@click.command(
    epilog=examples(
        "pyconnect run connectors.d/*.yaml",
        "pyconnect run connectors.d/*.yaml --playground --for 20s",
        "pyconnect run connectors.d/*.yaml --kafka kafka-1:9092,kafka-2:9092",
        "pyconnect run lines.yaml --max-records 1000 --json | tail -1 | jq .totals",
        "pyconnect run quotes.yaml --plugin ./quotes.py --log-level debug",
    )
)
@paths_argument
@click.option(
    "--for",
    "seconds",
    type=duration,
    help="End after this long, counted from the first running task: 20s, 1m30s.",
)
@click.option(
    "--max-records",
    type=click.IntRange(1),
    metavar="N",
    help="End after N records over all connectors; a unit is stored whole.",
)
@click.option(
    "--playground",
    is_flag=True,
    help="Start the plugins' own fake upstreams on 127.0.0.1 and read those, with no network; "
    "the log is kept in DIR/playground, never on Kafka.",
)
@plugin_option
@place_options
@click.option(
    "--json", "as_json", is_flag=True, help="The last line of stdout is a summary object."
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="info: changes of state; debug: every batch.",
)
@click.option(
    "--log-format",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="auto: console on a terminal, else one JSON object a line.",
)
@click.pass_context
def run(
    ctx: click.Context, /, as_json: bool, log_level: str, log_format: str, **asked: Any
) -> None:
    """Run the connectors of FILE..., one file each, until all have ended or a signal comes.

    SIGINT and SIGTERM commit what is whole and exit with 0; a second one ends at once. Without
    --for and --max-records, the exit code is 1 if all have ended and one is FAILED; with them, 1
    if any is FAILED, and 4 if one of those was taken over by another worker. Nothing starts if a
    file has a mistake (2).
    """
    set_up(log_level, log_format)
    from connectors_core import app
    from connectors_core.cli.summary import as_map, exit_code, print_summary, tell_failures

    # The other options are called as the fields of RunOptions are.
    options = app.RunOptions(**asked)
    # What a plugin prints is no data: the last line of stdout stays the summary.
    with _view() as show, redirect_stdout(sys.stderr):
        summary = app.run(options, show)
        show(summary.connectors)
    tell_failures(summary)
    if as_json:
        print_json(as_map(summary))
    else:
        print_summary(summary)
    ctx.exit(exit_code(summary, bounded=_is_bounded(options)))


def _is_bounded(options: RunOptions) -> bool:
    return options.seconds is not None or options.max_records is not None


def _view() -> LiveView | PlainView:
    # Where stderr is no terminal, rich is not even imported.
    if sys.stderr.isatty():
        from connectors_core.cli.live import LiveView

        return LiveView()
    from connectors_core.cli.plain import PlainView

    return PlainView()
