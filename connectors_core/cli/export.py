"""`pyconnect export`: a whole topic, to the end of what was committed when it started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from connectors_core.api.store import LogReader, StoredRecord
from connectors_core.cli.completion import complete_topic
from connectors_core.cli.options import examples, place_options
from connectors_core.cli.shape import record_line
from connectors_core.stores.cursor import scan

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.command(
    epilog=examples(
        "pyconnect export prices > prices.jsonl",
        "pyconnect export prices --format csv -o prices.csv",
        "pyconnect export pages --format avro -o pages.avro",
    )
)
@click.argument("topic", shell_complete=complete_topic)
@click.option(
    "--format",
    "style",
    type=click.Choice(("jsonl", "avro", "csv")),
    default="jsonl",
    show_default=True,
    help="What to write, see above.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write here instead of to stdout.",
)
@place_options
def export(topic: str, style: str, output: Path | None, place: LogPlace) -> None:
    """Write every record of TOPIC that is committed now, partition by partition, in order.

    jsonl: one object a line with topic, partition, offset, timestamp, key, value, headers; bytes
    are {"$bytes": base64}, decimals text, instants YYYY-MM-DDTHH:MM:SS.mmmZ. csv: the fields of
    the value are columns. avro: one container file under the newest schema.
    """
    from connectors_core.app import open_reader

    if style == "avro" and output is None and sys.stdout.isatty():
        raise click.UsageError("avro is no text for a terminal: add -o FILE.")
    with ExitStack() as stack:
        reader = stack.enter_context(closing(open_reader(place)))
        records = _committed(reader, topic)
        stdout = sys.stdout.buffer
        stream = stack.enter_context(output.open("wb")) if output else stdout
        _WRITERS[style](stream, reader, topic, records)
        stream.flush()


def _committed(reader: LogReader, topic: str) -> Iterator[StoredRecord]:
    """Fix the ends now, so that a run that goes on writing can't keep the export from ending."""
    bounds = reader.bounds(topic)
    return (
        record
        for number, (start, end) in sorted(bounds.items())
        for record in scan(reader, topic, number, start, end)
    )


def _jsonl(
    stream: BinaryIO, reader: LogReader, topic: str, records: Iterator[StoredRecord]
) -> None:
    from connectors_core.app import decoder

    decode = decoder(reader)
    stream.writelines(f"{record_line(record, decode)}\n".encode() for record in records)


def _csv(stream: BinaryIO, reader: LogReader, topic: str, records: Iterator[StoredRecord]) -> None:
    from connectors_core.app import decoder
    from connectors_core.cli.export_csv import write_csv

    write_csv(stream, reader.schemas(), topic, records, decoder(reader))


def _avro(stream: BinaryIO, reader: LogReader, topic: str, records: Iterator[StoredRecord]) -> None:
    from connectors_core.cli.export_avro import write_avro

    write_avro(stream, reader.schemas(), topic, records)


_WRITERS: dict[str, Callable[[BinaryIO, LogReader, str, Iterator[StoredRecord]], None]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "avro": _avro,
}
