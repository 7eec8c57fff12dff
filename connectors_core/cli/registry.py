"""`pyconnect registry`: the schemas of the log for programs that ask a schema registry."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from connectors_core.cli.options import examples, place_options

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.group(epilog=examples("pyconnect registry serve"))
def registry() -> None:
    """Show the schemas of the log to other programs."""


@registry.command(
    epilog=examples(
        "pyconnect registry serve",
        "pyconnect registry serve --port 8085 --data-dir /srv/log",
        "pyconnect registry serve --host 0.0.0.0 --allowed-host registry",
    )
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8081,
    show_default=True,
    help="Where to listen; 0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on. Whoever reaches it can read all schemas.",
)
@click.option(
    "--allowed-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name that clients call this server by, beside localhost. Can be repeated.",
)
@place_options
def serve(port: int, host: str, names: tuple[str, ...], place: LogPlace) -> None:
    """Answer as a schema registry that is read only, until it is stopped.

    It speaks the read side of the Confluent Schema Registry's HTTP API, so that deserializers and
    Kafka UI decode what is in the log. Schemas that a run registers meanwhile are seen at once.
    """
    from connectors_core.app import open_reader
    from connectors_core.cli.logs import set_up
    from connectors_core.rest.host_guard import HostGuard
    from connectors_core.rest.registry_api import registry_app
    from connectors_core.rest.schema_table import SchemaTable
    from connectors_core.rest.server import serve as serve_until_stopped

    set_up("warning")
    with closing(open_reader(place)) as reader:
        reader.schemas()  # a log that can't be read is told of at once, not to the first who asks
        app = HostGuard(registry_app(SchemaTable(reader.schemas)), (host, *names))
        serve_until_stopped(app, host, port, _tell)


def _tell(url: str) -> None:
    click.echo(f"schema registry (read only) on {url}", err=True)
