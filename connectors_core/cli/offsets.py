"""`pyconnect offsets`: where every source partition resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import click

from connectors_core.api.errors import ConfigError, StoreError
from connectors_core.api.store import Store
from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, json_map, json_option, place_options
from connectors_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from connectors_core.app import LogPlace

Row = tuple[str, str, str]
"""Connector, partition, offset; the last two are canonical JSON."""

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.group(
    epilog=examples(
        "pyconnect offsets show",
        """pyconnect offsets set lines '{"path": "a.log"}' '{"byte": 0}'""",
        "pyconnect offsets reset lines --yes",
    )
)
def offsets() -> None:
    """Show and change committed offsets.

    Changing needs the log for itself: stop the worker first.
    """


@offsets.command(epilog=examples("pyconnect offsets show", "pyconnect offsets show lines --json"))
@click.argument("connector", required=False)
@place_options
@json_option
def show(connector: str | None, place: LogPlace, as_json: bool) -> None:
    """List connector, partition and offset, of one CONNECTOR or of all."""
    rows = _read(place)
    if connector is not None:
        _known(rows, connector)
        rows = [row for row in rows if row[0] == connector]
    if as_json:
        print_json([_as_map(row) for row in rows])
    else:
        print_table(("connector", "partition", "offset"), rows)


@offsets.command(
    "set",
    epilog=examples(
        """pyconnect offsets set lines '{"path": "a.log"}' '{"byte": 0}'""",
    ),
)
@click.argument("connector")
@click.argument("partition", type=json_map("partition"))
@click.argument("offset", type=json_map("offset"))
@yes_option
@place_options
def set_offset(connector: str, partition: str, offset: str, yes: bool, place: LogPlace) -> None:
    """Make CONNECTOR resume PARTITION after OFFSET, both JSON maps; keyed state stays."""
    rows = _read(place)
    _known(rows, connector)
    old = next((old for name, part, old in rows if (name, part) == (connector, partition)), "none")
    with _owned(place) as store:
        _ask(f"Set {connector} {partition} from {old} to {offset}?", yes)
        store.set_offset(connector, partition, offset)
    click.echo(one_line(f"{connector} {partition} resumes after {offset}."), err=True)


@offsets.command(
    epilog=examples(
        "pyconnect offsets reset lines",
        """pyconnect offsets reset lines --partition '{"path": "a.log"}' --yes""",
    )
)
@click.argument("connector")
@click.option(
    "--partition", type=json_map("partition"), metavar="JSON", help="Of this partition alone."
)
@yes_option
@place_options
def reset(connector: str, partition: str | None, yes: bool, place: LogPlace) -> None:
    """Remove the offsets and the keyed state of CONNECTOR, so that it starts from the beginning."""
    rows = _read(place)
    with _owned(place) as store:
        _ask(f"Remove offset and keyed state of {connector} {partition or 'as a whole'}?", yes)
        count = store.reset(connector, partition)
    click.echo(one_line(f"{connector}: {count} offsets removed, and their keyed state."), err=True)
    if not count and (unknown := _unknown(rows, connector)):
        # Told, but no mistake: it may have had keyed state alone.
        click.echo(one_line(unknown.message), err=True)


def _read(place: LogPlace) -> list[Row]:
    from connectors_core.app import open_reader

    with closing(open_reader(place)) as reader:
        return sorted(reader.offsets())


def _known(rows: list[Row], connector: str) -> None:
    if unknown := _unknown(rows, connector):
        raise unknown


def _unknown(rows: list[Row], connector: str) -> ConfigError | None:
    from connectors_core.stores.names import unknown_connector

    names = {name for name, _, _ in rows}
    return None if connector in names else unknown_connector(connector, names)


@contextmanager
def _owned(place: LogPlace) -> Iterator[Store]:
    """Open the log as its owner, which is refused while a worker runs."""
    from connectors_core.app import owned_store

    with ExitStack() as stack:
        try:
            store = stack.enter_context(owned_store(place))
        except StoreError as error:
            if error.code != "store.locked":
                raise
            text = f"{error} Offsets can't change under a running worker: stop it, then try again."
            raise StoreError(text, code=error.code) from error
        yield store


def _ask(question: str, yes: bool) -> None:
    if not yes:
        click.confirm(one_line(question), abort=True, err=True)


def _as_map(row: Row) -> dict[str, object]:
    connector, partition, offset = row
    return {
        "connector": connector,
        "partition": json.loads(partition),
        "offset": json.loads(offset),
    }
