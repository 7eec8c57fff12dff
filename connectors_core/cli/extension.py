"""Commands that plugins bring, through the hook `pyconnect_commands`."""

from __future__ import annotations

import click

from connectors_core.api.errors import ConfigError


def plugin_command(name: str) -> click.Command | None:
    """Return the command that a plugin brings under this name; None if none does.

    Imports every plugin. Raises ConfigError if two plugins claim the name.
    """
    from connectors_core.app import build_catalogue

    try:
        command: click.Command = build_catalogue(()).command(name)
    except ConfigError as error:
        if error.code == "plugin.unknown":
            return None
        raise
    return command
