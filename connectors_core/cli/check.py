"""`pyconnect check`: every mistake of every connector file, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, place_options, plugin_option
from connectors_core.cli.output import print_table

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.command(
    epilog=examples(
        "pyconnect check connectors.d/*.yaml",
        "pyconnect check quotes.yaml --plugin ./quotes.py",
        "pyconnect check connectors.d/*.yaml --worker worker.yaml",
        "pyconnect check --worker worker.yaml",
    )
)
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@plugin_option
@place_options
@click.pass_context
def check(
    ctx: click.Context, paths: tuple[Path, ...], plugins: tuple[Path, ...], place: LogPlace
) -> None:
    """Check FILE... and the worker's settings as `run` would, without starting anything.

    Every mistake is told with its file and line; the exit code is 2 if there is one. The cluster
    itself is not asked.
    """
    from connectors_core.app import build_catalogue, check_producers, load

    if not paths and place.kafka is None:
        raise click.UsageError("Missing argument 'FILE...'.", ctx)
    if paths:
        found = load(paths, build_catalogue(plugins))
        check_producers(place, found)
        rows = [(each.name, each.options.connector_class, str(each.path)) for each in found]
        print_table(("connector", "plugin", "file"), rows)
        click.echo(f"ok: {len(found)} of {len(paths)} files have no mistake.", err=True)
    if place.kafka is not None:
        said = f"ok: Kafka at {place.kafka.address}, by {place.kafka.said_by}."
        click.echo(one_line(said), err=True)
