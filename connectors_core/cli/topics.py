"""`pyconnect topics`: what the log holds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from connectors_core.cli.options import data_dir_option, examples, json_option
from connectors_core.cli.output import print_json, print_table, size


@click.command(epilog=examples("pyconnect topics", "pyconnect topics --json"))
@data_dir_option
@json_option
def topics(data_dir: Path, as_json: bool) -> None:
    """List the topics, their partitions, and the records and bytes that they hold."""
    from connectors_core.app import open_reader

    with closing(open_reader(data_dir)) as reader:
        found = reader.topics()
    if as_json:
        print_json([{**asdict(topic), "settings": dict(topic.settings)} for topic in found])
        return
    print_table(
        ("topic", "partitions", "records", "bytes"),
        [(topic.name, topic.partitions, topic.records, size(topic.bytes)) for topic in found],
    )
