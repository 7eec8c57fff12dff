"""The command `pyconnect`: which commands there are, each loaded when it is asked for.

Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from connectors_core.cli.failure import guarded
from connectors_core.cli.options import examples

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Run connectors until they end or are stopped."),
    "check": ("check", "Check connector files without starting anything."),
    "plugins": ("plugins", "List, describe and check the plugins."),
    "contract": ("contract", "Judge a source plugin by the contract of sources."),
    "new": ("new", "Write a package to start from."),
    "topics": ("topics", "List the topics and what they hold, or describe one."),
    "tail": ("tail", "Show the newest records of a topic."),
    "export": ("export", "Write a whole topic as jsonl, avro or csv."),
    "offsets": ("offsets", "Show and change committed offsets."),
    "promote": ("promote", "Copy the log to Kafka, where its connectors go on."),
    "schemas": ("schemas", "List the schemas, or show one."),
    "registry": ("registry", "Show the schemas to other programs."),
    "status": ("status", "Show what the running worker does."),
    "pause": ("control", "Pause a connector of the running worker."),
    "resume": ("control", "Resume a paused connector."),
    "restart": ("control", "Restart a connector of the running worker."),
    "store": ("store", "Look after the log itself."),
    "completion": ("completion", "Print the completion script of a shell."),
    "version": ("version", "Show the versions to name in a bug report."),
}
"""By name: the module of this package that has the command, and its line in `--help`."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for, a plugin's ones last."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            # Costs the import of every plugin, so only for a name that is not ours.
            return _command_of_plugins(cmd_name)
        module = import_module(f"connectors_core.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            ctx.fail(_unknown(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        with guarded(ctx):
            return super().invoke(ctx)


def _command_of_plugins(name: str) -> click.Command | None:
    from connectors_core.cli.extension import plugin_command

    return plugin_command(name)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    cure = f"Did you mean {near[0]!r}?" if near else "See `pyconnect --help`."
    return f"No such command {name!r}, neither here nor in a plugin. {cure}"


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from connectors_core.cli.version import own_version

        click.echo(f"pyconnect {own_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "pyconnect run connectors.d/*.yaml --playground --for 20s",
        "pyconnect tail prices --follow",
        "pyconnect plugins show file-lines --yaml > lines.yaml",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
def pyconnect() -> None:
    """Run source connectors: exactly once, on a laptop and on a cluster.

    Data goes to stdout, messages go to stderr. Exit codes: 0 ok, 1 something failed while running,
    2 a mistake in what was asked, 3 the environment, 4 taken over by another worker. Plugins may
    bring commands of their own.
    """
