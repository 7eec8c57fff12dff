"""`pyconnect promote`: from the embedded log to Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from connectors_core.api.errors import PyconnectError
from connectors_core.cli.options import examples, json_option, place_options
from connectors_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from connectors_core.app import LogPlace
    from connectors_core.app.promotion import ConnectorProof, PartitionProof, Report


def _counts(texts: tuple[str, ...]) -> Mapping[str, int]:
    found = {}
    for text in texts:
        topic, mark, number = text.rpartition("=")
        if not mark or not topic or not number.isdigit() or not int(number):
            raise click.BadParameter(
                f"{text!r} is not TOPIC=NUMBER, as in prices=6.", param_hint="--partitions"
            )
        found[topic] = int(number)
    return found


@click.command(
    epilog=examples(
        "pyconnect promote --to kafka --kafka kafka-1:9092 --dry-run",
        "pyconnect promote --to kafka --kafka kafka-1:9092",
        "pyconnect promote --to kafka --kafka kafka-1:9092 --topic prices --connector quotes",
    )
)
@click.option("--to", type=click.Choice(("kafka",)), required=True, help="Where to.")
@click.option(
    "--connector",
    "connectors",
    multiple=True,
    metavar="NAME",
    help="Hand over this connector alone. Can be repeated.",
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="NAME",
    help="Copy this topic alone, and hand over only what --connector names. Can be repeated.",
)
@click.option(
    "--partitions",
    multiple=True,
    metavar="TOPIC=NUMBER",
    help="Make a topic with more partitions than it has here; records keep theirs. Can be repeated.",
)
@click.option(
    "--append", is_flag=True, help="Write behind the records of others that a topic has on Kafka."
)
@click.option(
    "--existing-offsets",
    "existing",
    type=click.Choice(("refuse", "keep", "replace")),
    default="refuse",
    show_default=True,
    help="What becomes of a connector that has other offsets on Kafka.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@place_options
@json_option
def promote(
    to: str,
    partitions: tuple[str, ...],
    existing: str,
    dry_run: bool,
    place: LogPlace,
    as_json: bool,
    **what: Any,
) -> None:
    """Copy the log of a data directory to Kafka, so that its connectors go on there.

    Records with their keys, headers, times and order; schemas; last of all, when every record was
    read back and compared, offsets and keyed state. Stop the worker first. It can be stopped, or
    killed, at any time: the same command goes on. Exit code 1 if something on Kafka is not as in
    the log; then no connector is handed over.
    """
    from connectors_core.app.promotion import Order
    from connectors_core.app.promotion import promote as carry_out
    from connectors_core.cli.logs import set_up
    from connectors_core.cli.promotion_view import view

    set_up("warning")
    order = Order(
        place,
        partitions=_counts(partitions),
        existing=cast('Literal["refuse", "keep", "replace"]', existing),
        dry_run=dry_run,
        **what,
    )
    with view() as progress:
        report = carry_out(order, progress)
    if as_json:
        print_json({**asdict(report), "holds": report.holds})
    else:
        _print(report)
    if not report.holds:
        raise PyconnectError(
            "not everything on Kafka is as in the log, see above; connectors stay where they are.",
            code="promote.differs",
        )


def _print(report: Report) -> None:
    if report.dry_run:
        print_table(
            ("topic", "partition", "records", "to copy"),
            [(each.topic, each.partition, each.log_records, each.to_copy) for each in report.plan],
        )
    else:
        print_table(
            ("topic", "partition", "copied", "in the log", "on kafka", "checksum", "", ""),
            [_row(each) for each in report.partitions],
        )
    if report.connectors:
        click.echo()
        print_table(
            ("connector", "offsets", "", "", ""),
            [
                (each.connector, each.offsets, each.action, _shown(each, report), each.note)
                for each in report.connectors
            ],
        )


def _row(proof: PartitionProof) -> tuple[object, ...]:
    counts = (proof.copied, proof.log_records, proof.kafka_records)
    checksum = proof.kafka_checksum[:16]
    return proof.topic, proof.partition, *counts, checksum, _verdict(proof.holds), proof.note


def _shown(proof: ConnectorProof, report: Report) -> str:
    return "" if report.dry_run else _verdict(proof.holds)


def _verdict(holds: bool) -> str:
    return "ok" if holds else "DIFFERS"
