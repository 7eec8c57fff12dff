"""`pyconnect new`: writes the package of a plugin, complete with its tests, to start from."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples

INTO = click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The folder that gets the package; the current one if not given.",
)


@click.group(
    epilog=examples("pyconnect new source json-items", "pyconnect new transform leave-out")
)
def new() -> None:
    """Write a package to start from: it works, and its tests pass, before anything is changed."""


@new.command(
    epilog=examples(
        "pyconnect new source json-items", "pyconnect new source json-items --into plugins"
    )
)
@click.argument("name")
@INTO
def source(name: str, into: Path) -> None:
    """Write the package pyconnect-NAME with a source that polls a JSON API.

    It comes with a fake of that API, the contract of sources as its test, a connector file and a
    CI file. Nothing that is there is overwritten.
    """
    target = _write("source", name, into)
    _tell(
        f"cd {quote(str(target))}",
        "pip install -e '.[test]'",
        f"pyconnect run {name}.yaml --playground --for 3s",
        f"pyconnect contract {name}",
    )


@new.command(epilog=examples("pyconnect new transform leave-out"))
@click.argument("name")
@INTO
def transform(name: str, into: Path) -> None:
    """Write the package pyconnect-NAME with a transform that leaves fields out, and its test.

    Nothing that is there is overwritten.
    """
    target = _write("transform", name, into)
    _tell(
        f"cd {quote(str(target))}",
        "pip install -e '.[test]'",
        f"pyconnect plugins show {name}",
        "pytest",
    )


def _write(kind: str, name: str, into: Path) -> Path:
    from connectors_core.app import build_catalogue
    from connectors_core.scaffold.package import require_name, write

    require_name(name, {info.name for info in build_catalogue(()).plugins()})
    target, *files = write(kind, name, into)
    for file in files:
        click.echo(one_line(str(file)))
    return target


def _tell(*commands: str) -> None:
    click.echo("Go on with:", err=True)
    for command in commands:
        click.echo(one_line(f"  {command}"), err=True)
