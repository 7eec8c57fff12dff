"""`pyconnect topics`: what the log holds, and where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from connectors_core.api.store import PartitionInfo, TopicInfo
from connectors_core.cli.options import examples, json_option, place_options
from connectors_core.cli.output import print_json, print_table, size

if TYPE_CHECKING:
    from connectors_core.app import LogPlace


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "pyconnect topics", "pyconnect topics --json", "pyconnect topics describe prices"
    ),
)
@place_options
@json_option
@click.pass_context
def topics(ctx: click.Context, place: LogPlace, as_json: bool) -> None:
    """List the topics, their partitions, and the records and bytes that they hold.

    On Kafka the records are the offsets in use: ends of transactions and what was aborted count too.
    """
    from connectors_core.app import open_reader

    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx)
        return
    with closing(open_reader(place)) as reader:
        found = reader.topics()
    if as_json:
        print_json([{**asdict(topic), "settings": dict(topic.settings)} for topic in found])
        return
    print_table(
        ("topic", "partitions", "records", "bytes"),
        [(topic.name, topic.partitions, topic.records, _bytes(topic)) for topic in found],
    )


@topics.command(
    epilog=examples("pyconnect topics describe prices", "pyconnect topics describe prices --json")
)
@click.argument("name")
@place_options
@json_option
def describe(name: str, place: LogPlace, as_json: bool) -> None:
    """Show which broker leads each partition of the topic NAME, and which ones have all of it."""
    from connectors_core.app import open_reader

    with closing(open_reader(place)) as reader:
        found = reader.describe(name)
    if as_json:
        print_json({"topic": name, "partitions": [asdict(each) for each in found]})
    elif place.kafka is None:
        count = "1 partition" if len(found) == 1 else f"{len(found)} partitions"
        click.echo(
            f"{name}: {count}, in one copy, in {place.data_dir}. No broker leads it and nothing is"
            " replicated; with --kafka a topic has replicas."
        )
    else:
        columns = ("partition", "leader", "replicas", "in sync", "out of sync")
        print_table(columns, [_row(each) for each in found])


def _refuse_options_before(ctx: click.Context) -> None:
    """What stands before the command would not reach it; silence would be a trap."""
    from click.core import ParameterSource

    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            command = ctx.invoked_subcommand
            raise click.UsageError(f"write the options of {command} after its name.", ctx)


def _row(found: PartitionInfo) -> tuple[object, ...]:
    return (
        found.partition,
        "none" if found.leader is None else str(found.leader),
        _ids(found.replicas),
        _ids(found.in_sync),
        _ids(set(found.replicas) - set(found.in_sync)),
    )


def _ids(brokers: Sequence[int] | set[int]) -> str | None:
    return ",".join(map(str, sorted(brokers))) or None


def _bytes(topic: TopicInfo) -> str | None:
    return None if topic.bytes is None else size(topic.bytes)
