"""The command line: one small file a command. `stdout` is data, `stderr` is messages."""

from __future__ import annotations


def main() -> None:
    """Run `pyconnect` with the arguments of this process, and exit with its code."""
    from connectors_core.cli.group import pyconnect

    pyconnect(prog_name="pyconnect")
