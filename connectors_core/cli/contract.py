"""`pyconnect contract`: judges a source plugin by the laws that all sources keep."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors_core.api.errors import ConfigError, PyconnectError
from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, json_option, plugin_option
from connectors_core.cli.output import print_json
from connectors_core.cli.version import own_version
from connectors_core.testing.law import LEVELS

if TYPE_CHECKING:
    from connectors_core.discovery import PluginInfo
    from connectors_core.testing.contract import SourceContract
    from connectors_core.testing.judge import Court, Verdict
    from connectors_core.testing.law import Law
    from connectors_core.testing.report import Report


def shard_of(text: str) -> tuple[int, int]:
    """Return (i, n) from `i/n`, 1 <= i <= n."""
    part, _, parts = text.partition("/")
    if part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise click.BadParameter(f"{text!r} is no part. Write 1/4 for the first of four.")


@click.command(
    epilog=examples(
        "pyconnect contract file-lines",
        "pyconnect contract quotes --plugin ./quotes.py --level basic",
        "pyconnect contract quotes --level crash --shard 1/4",
        "pyconnect contract quotes --level crash --kafka localhost:9092",
        "pyconnect contract quotes --json > contract.json",
        "pyconnect contract quotes --write-offsets offsets/1.2.0.json",
    )
)
@click.argument("name")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="full",
    show_default=True,
    help="Which laws: basic takes seconds, full up to a minute, crash kills workers for minutes.",
)
@click.option(
    "--shard",
    type=shard_of,
    default="1/1",
    metavar="I/N",
    help="Make only the I-th of N parts of the kills.",
)
@click.option(
    "--kafka",
    metavar="HOST:PORT,...",
    help="Kill the workers on this Kafka cluster, in topics that are deleted at the end.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the result as JUnit's XML too.",
)
@click.option(
    "--contract",
    "only",
    metavar="CLASS",
    help="Only this one of the contracts of the source.",
)
@click.option(
    "--write-offsets",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge nothing; write the offsets of this release, for the contract of the next.",
)
@plugin_option
@json_option
def contract(  # noqa: PLR0913, PLR0917 - one for each option
    name: str,
    level: str,
    shard: tuple[int, int],
    kafka: str | None,
    junit: Path | None,
    only: str | None,
    write_offsets: Path | None,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Judge the source plugin NAME by the contract of sources, against its own fake upstream.

    Laws that rest on one that failed are not judged: the first failure names the fault. The exit
    code is 1 if there is one.
    """
    from connectors_core.app import build_catalogue
    from connectors_core.testing import report
    from connectors_core.testing.found import contracts_of
    from connectors_core.testing.judge import Court

    catalogue = build_catalogue(plugins)
    source = catalogue.source(name)
    contracts = _chosen(contracts_of(source), only)
    if shard != (1, 1) and level != "crash":
        raise ConfigError("--shard is of the kills. Add --level crash.", code="config.shard")
    if write_offsets is not None:
        _write(contracts, write_offsets)
        return
    laws = _laws(level, kafka)
    # stdout is the result's alone: what a plugin prints goes beside it.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        reports = [
            _judge(name, Court(each.declaration(), level, shard), laws, quiet=as_json)
            for each in contracts
        ]
    if junit is not None:
        junit.write_bytes(report.as_junit(reports))
    if as_json:
        version = _version_of(name, catalogue.plugins())
        named = [replace(each, plugin_version=version) for each in reports]
        print_json(report.as_json(named, own_version()))
    _end(reports)


def _version_of(name: str, plugins: Sequence[PluginInfo]) -> str:
    distribution, _, plain = name.rpartition(":")
    found = [
        each.version
        for each in plugins
        if each.name == plain and distribution in ("", each.distribution)
    ]
    return found[0] if found else ""


def _chosen(
    contracts: Sequence[type[SourceContract]], only: str | None
) -> Sequence[type[SourceContract]]:
    chosen = [each for each in contracts if only in (None, each.__name__)]
    if not chosen:
        names = ", ".join(each.__name__ for each in contracts)
        raise ConfigError(f"--contract: there is no {only}. There are: {names}.")
    return chosen


def _write(contracts: Sequence[type[SourceContract]], file: Path) -> None:
    """Write the golden offsets of the one contract there is; never over a file."""
    from connectors_core.testing.golden import written
    from connectors_core.testing.judge import Court

    if file.exists():
        raise ConfigError(
            f"{file} is there. Offsets of a release do not change: name another file."
        )
    able = [each for each in contracts if "replayable" in each.capabilities]
    if not able:
        raise ConfigError("no contract of this source is replayable: its offsets promise nothing.")
    if len(able) > 1:
        names = ", ".join(each.__name__ for each in able)
        raise ConfigError(
            f"{len(able)} contracts of this source are replayable: {names}. Name one with --contract."
        )
    golden = Court(able[0].declaration(), "full").golden(file.stem)
    if not golden.left:
        raise ConfigError(
            "nothing is left to read behind these offsets, which would prove nothing. Let the"
            " upstream of the contract serve two units or more."
        )
    file.write_text(written(golden), "utf-8")
    click.echo(f"{file}: offsets of {able[0].__name__}, release {file.stem}.", err=True)


def _laws(level: str, kafka: str | None) -> Sequence[Law]:
    """Return the laws; with a cluster, that of the kills is judged there."""
    from connectors_core.app import Asked, find_place, require_cluster
    from connectors_core.testing.laws import LAWS, on_kafka

    if kafka is None:
        return LAWS
    if level != "crash":
        raise ConfigError("--kafka is for the kills. Add --level crash.", code="config.kafka")
    place = find_place(Asked(kafka=kafka)).kafka
    assert place is not None
    require_cluster(place)  # or each kill would tell of it as of a fault of the source
    return on_kafka(place)


def _judge(name: str, court: Court, laws: Sequence[Law], *, quiet: bool) -> Report:
    from connectors_core.testing.law import VERSION
    from connectors_core.testing.report import Report

    declaration = court.declaration
    capabilities = sorted(declaration.capabilities)
    contract = declaration.contract.__name__
    if not quiet:
        able = ", ".join(capabilities) or "none"
        click.echo(f"{name}, {contract}: contract {VERSION}, level {court.level}, able: {able}")
    verdicts = []
    for verdict in court.all(laws):
        verdicts.append(verdict)
        if not quiet:
            _show(verdict)
    return Report(name, contract, court.level, capabilities, verdicts)


def _show(verdict: Verdict) -> None:
    first, *rest = verdict.reason.splitlines() or [""]
    said = f": {first}" if first else ""
    line = f"{verdict.seconds:7.2f} s  {verdict.outcome:10}  {verdict.law}{said}"
    click.echo(one_line(line))
    for each in rest:
        click.echo(f"           {one_line(each)}")


def _end(reports: Sequence[Report]) -> None:
    verdicts = [each for report in reports for each in report.verdicts]
    failed = [each.law for each in verdicts if each.outcome == "failed"]
    if failed:
        raise PyconnectError(
            f"{len(failed)} of {len(verdicts)} laws {'is' if len(failed) == 1 else 'are'} broken;"
            f" the first is {failed[0]}.",
            code="contract.broken",
        )
    passed, waived = (
        sum(each.outcome == outcome for each in verdicts) for outcome in ("passed", "waived")
    )
    rest = len(verdicts) - passed - waived
    told = f"{passed} laws are kept, {waived} waived, {rest} do not apply"
    click.echo(f"ok: {told}.", err=True)
