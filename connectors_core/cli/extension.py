"""Commands that plugins bring, through the hook `pyconnect_commands`."""

from __future__ import annotations

import click


def plugin_command(name: str) -> click.Command | None:
    return None
