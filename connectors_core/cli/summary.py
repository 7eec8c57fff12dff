"""What a run did: for people, for programs, and as an exit code."""

from __future__ import annotations

import json
from typing import Any

import click

from connectors_core.api.errors import FencedError
from connectors_core.cli.escape import one_line
from connectors_core.cli.output import print_table, size
from connectors_core.cli.progress import SHOWN, worst_first
from connectors_core.herder.model import ConnectorStatus, State, Summary

_ENDED = {State.FAILED, State.COMPLETED}
TAKEN_OVER = 4
"""A code of its own, so that what starts failed workers again does not take the connector back."""


def exit_code(summary: Summary, bounded: bool) -> int:
    """Return 1 if a connector failed that the run was about, TAKEN_OVER if one was fenced, else 0.

    `bounded` runs (`--for`, `--max-records`) ask whether any is FAILED. Others end by themselves
    only when none lives; with one still alive it was a signal that ended them, which is no failure.
    """
    states = {connector.state for connector in summary.connectors}
    if State.FAILED not in states or not (bounded or states <= _ENDED):
        return 0
    failures = [each.failure for each in summary.connectors if each.state is State.FAILED]
    fenced = any(failure and failure.code.startswith(FencedError.code) for failure in failures)
    return TAKEN_OVER if fenced else 1


def as_map(summary: Summary) -> dict[str, Any]:
    """Return the summary object of `--json`; offsets have the shape of Kafka Connect's REST API."""
    totals = {"records": summary.records, "bytes": summary.bytes, "seconds": summary.seconds}
    return {"connectors": [_connector(each) for each in summary.connectors], "totals": totals}


def _offset(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # somebody else has put it there; the task says so


def _connector(status: ConnectorStatus) -> dict[str, Any]:
    offsets = [
        {"partition": json.loads(partition), "offset": _offset(offset)}
        for partition, offset in status.offsets.items()
    ]
    return {
        "name": status.name,
        "state": str(status.state),
        "records": status.records,
        "bytes": status.bytes,
        "offsets": offsets,
        "errors": status.errors,
        "rejected": status.rejected,
        "filtered": status.filtered,
        "restarts": status.restarts,
    }


def print_summary(summary: Summary) -> None:
    """Write the summary for people, the worst connectors first."""
    found = worst_first(summary.connectors)
    heads = ("connector", "state", "records", "bytes", "rejected", "errors", "restarts")
    print_table(heads, [_row(status) for status in found[:SHOWN]])
    if len(found) > SHOWN:
        click.echo(f"… and {len(found) - SHOWN:,} more")
    speed = f", {summary.records / summary.seconds:,.0f} records/s" if summary.seconds else ""
    click.echo(
        f"{summary.records:,} records, {size(summary.bytes)} in {summary.seconds:.1f} s{speed}"
    )


def tell_failures(summary: Summary) -> None:
    """Say on stderr why connectors are FAILED."""
    for status in summary.connectors:
        if status.state is State.FAILED and status.failure:
            failure = status.failure
            click.echo(one_line(f"{status.name}: {failure.text} ({failure.code})"), err=True)


def _row(status: ConnectorStatus) -> tuple[object, ...]:
    return (
        status.name,
        status.state,
        status.records,
        size(status.bytes),
        status.rejected,
        status.errors,
        status.restarts,
    )
