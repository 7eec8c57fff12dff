"""`pyconnect version`: the versions to name in a bug report."""

from __future__ import annotations

import click

from connectors_core.cli.options import examples, json_option
from connectors_core.cli.output import print_json, print_table

_LIBRARIES = ("click", "confluent-kafka", "fastavro", "pluggy", "pydantic", "pyyaml", "rich")


@click.command(epilog=examples("pyconnect version", "pyconnect version --json"))
@json_option
def version(as_json: bool) -> None:
    """Show the versions to name in a bug report."""
    found = _versions()
    if as_json:
        print_json(found)
    else:
        print_table(("part", "version"), found.items())


def own_version() -> str:
    """Return the version of the installed distribution `connectors-core`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("connectors-core")
    except PackageNotFoundError:
        return "unknown"


def _versions() -> dict[str, str]:
    import platform
    import sqlite3
    from importlib.metadata import version

    return {
        "pyconnect": own_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in _LIBRARIES},
    }
