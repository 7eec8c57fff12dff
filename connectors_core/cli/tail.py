"""`pyconnect tail`: the newest records of a topic, and those that come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

import click

from connectors_core.api.store import LogReader, StoredRecord
from connectors_core.cli.completion import complete_topic
from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, place_options
from connectors_core.cli.output import fitted
from connectors_core.cli.shape import Decode, instant, record_line, to_json
from connectors_core.stores.cursor import by_time, merged, newest

if TYPE_CHECKING:
    from connectors_core.app import LogPlace

POLL_SECONDS = 0.2
"""How often `--follow` looks: one short query, far below a hundredth of a core."""


def start_of(text: str) -> int | str:
    """Return `start`, `end`, or an offset that counts in every partition."""
    if text in ("start", "end"):
        return text
    if text.isascii() and text.isdigit():
        return int(text)
    raise click.BadParameter(f"{text!r} is neither `start`, `end` nor an offset.")


@click.command(
    epilog=examples(
        "pyconnect tail prices                     # the last 10",
        "pyconnect tail prices -n 3 --follow       # the last 3, then what comes",
        "pyconnect tail prices --from start | less",
        "pyconnect tail prices --format jsonl --follow | jq .value.price",
    )
)
@click.argument("topic", shell_complete=complete_topic)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(0, 1_000_000_000),
    help="How many of the newest (10); with --from, how many at most.",
)
@click.option(
    "--from",
    "start",
    type=start_of,
    metavar="start|end|OFFSET",
    help="From here on, instead of the newest.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written; end with Ctrl-C.")
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "jsonl")),
    default="text",
    show_default=True,
    help="jsonl as `export` writes it.",
)
@place_options
def tail(
    topic: str,
    count: int | None,
    start: int | str | None,
    follow: bool,
    style: str,
    place: LogPlace,
) -> None:
    """Show the newest records of TOPIC, decoded, then end.

    A line of text is partition:offset, time, key and value; on a terminal it is cut to fit.
    """
    from connectors_core.app import decoder, open_reader

    if follow and start is not None and count is not None:
        raise click.UsageError("--follow has no end: give --from or --count with it, not both.")
    with closing(open_reader(place)) as reader:
        decode = decoder(reader)
        bounds = reader.bounds(topic)
        ends = {number: end for number, (_, end) in bounds.items()}
        _show(_first(reader, topic, bounds, start, count), decode, style)
        while follow:
            time.sleep(POLL_SECONDS)
            ends = _next(reader, topic, ends, decode, style)


def _first(
    reader: LogReader,
    topic: str,
    bounds: dict[int, tuple[int, int]],
    start: int | str | None,
    count: int | None,
) -> Iterable[StoredRecord]:
    if start is None:
        wanted = 10 if count is None else count
        parts = [newest(reader, topic, number, span, wanted) for number, span in bounds.items()]
        return deque(by_time(parts), maxlen=wanted)
    if start == "end":
        return ()
    least = 0 if start == "start" else int(start)
    spans = {n: (max(first, least), end) for n, (first, end) in bounds.items()}
    return islice(merged(reader, topic, spans), count)


def _next(
    reader: LogReader, topic: str, ends: dict[int, int], decode: Decode, style: str
) -> dict[int, int]:
    bounds = reader.bounds(topic)
    spans = {n: (max(first, ends.get(n, first)), end) for n, (first, end) in bounds.items()}
    _show(merged(reader, topic, spans), decode, style)
    return {number: end for number, (_, end) in bounds.items()}


def _show(records: Iterable[StoredRecord], decode: Decode, style: str) -> None:
    for record in records:
        click.echo(record_line(record, decode) if style == "jsonl" else _text(record, decode))


def _text(record: StoredRecord, decode: Decode) -> str:
    key = decode(record.key)
    shown = one_line(key) if isinstance(key, str) else "-" if key is None else to_json(key)
    at = f"{record.partition}:{record.offset}"
    return fitted(f"{at}  {instant(record.timestamp)}  {shown}  {to_json(decode(record.value))}")
