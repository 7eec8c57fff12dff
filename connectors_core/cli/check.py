"""`pyconnect check`: every mistake of every connector file, before anything starts."""

from __future__ import annotations

from pathlib import Path

import click

from connectors_core.cli.options import examples, paths_argument, plugin_option
from connectors_core.cli.output import print_table


@click.command(
    epilog=examples(
        "pyconnect check connectors.d/*.yaml",
        "pyconnect check quotes.yaml --plugin ./quotes.py",
    )
)
@paths_argument
@plugin_option
def check(paths: tuple[Path, ...], plugins: tuple[Path, ...]) -> None:
    """Check FILE... as `run` would, without starting anything.

    Every mistake is told with its file and line; the exit code is 2 if there is one.
    """
    from connectors_core.app import build_catalogue, load

    found = load(paths, build_catalogue(plugins))
    rows = [(each.name, each.options.connector_class, str(each.path)) for each in found]
    print_table(("connector", "plugin", "file"), rows)
    click.echo(f"ok: {len(found)} of {len(paths)} files have no mistake.", err=True)
