"""`pyconnect schemas`: what the values in the log look like."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import SchemaRow
from connectors_core.cli.escape import safe_json
from connectors_core.cli.options import examples, json_option, place_options
from connectors_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.command(
    epilog=examples(
        "pyconnect schemas",
        "pyconnect schemas prices-value               # the newest",
        "pyconnect schemas prices-value --version 1",
    )
)
@click.argument("subject", required=False)
@click.option("--version", "number", type=click.IntRange(1), help="Not the newest, but this one.")
@place_options
@json_option
def schemas(subject: str | None, number: int | None, place: LogPlace, as_json: bool) -> None:
    """List the schemas of all topics, or show the Avro schema of one SUBJECT."""
    from connectors_core.app import open_reader

    with closing(open_reader(place)) as reader:
        rows = reader.schemas()
    if subject is not None:
        avro = json.loads(_pick(rows, subject, number).avro)
        click.echo(safe_json(json.dumps(avro, indent=2, ensure_ascii=False)))
    elif as_json:
        print_json([_as_map(row) for row in rows])
    else:
        print_table(("subject", "version", "id"), [(r.subject, r.version, str(r.id)) for r in rows])


def _pick(rows: Sequence[SchemaRow], subject: str, number: int | None) -> SchemaRow:
    versions = {row.version: row for row in rows if row.subject == subject}
    if not versions:
        near = get_close_matches(subject, {row.subject for row in rows}, n=1)
        cure = f"Did you mean {near[0]!r}?" if near else "See `pyconnect schemas`."
        raise ConfigError(f"there is no subject {subject!r}. {cure}", code="config.subject")
    wanted = max(versions) if number is None else number
    if wanted not in versions:
        known = ", ".join(map(str, sorted(versions)))
        raise ConfigError(
            f"{subject} has no version {wanted}, only {known}.", code="config.subject"
        )
    return versions[wanted]


def _as_map(row: SchemaRow) -> dict[str, object]:
    return {
        "subject": row.subject,
        "version": row.version,
        "id": row.id,
        "schema": json.loads(row.avro),
    }
