"""`pyconnect store`: the log itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connectors_core.api.errors import StoreError
from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, place_options

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.group(epilog=examples("pyconnect store check"))
def store() -> None:
    """Look after the log itself."""


@store.command(
    epilog=examples("pyconnect store check", "pyconnect store check --data-dir /srv/log")
)
@place_options
def check(place: LogPlace) -> None:
    """Read the whole log and say what is wrong with it; exit code 3 if anything is."""
    from connectors_core.app import check_store

    problems = check_store(place)
    for problem in problems:
        click.echo(one_line(problem))
    if problems:
        raise StoreError(f"{len(problems)} problems in {place.data_dir}.", code="store.check")
    click.echo("ok")
