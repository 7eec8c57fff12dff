"""docs/reference/cli.md says what `--help` says; PYCONNECT_WRITE_DOCS=1 writes it anew."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import click

from connectors_core.cli.group import COMMANDS, pyconnect

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
HEAD = """# The command line

`pyconnect COMMAND --help` says the same. Data goes to stdout, messages go to stderr. Exit codes:
0 ok, 1 something failed while running, 2 a mistake in what was asked, 3 the environment,
130 and 143 a signal. Installed plugins may bring commands of their own.
"""


def sections(command: click.Command, path: str) -> Iterator[str]:
    yield f"## pyconnect {path}\n"
    yield inspect.cleandoc(command.help or "").replace("{", "`{").replace("}", "}`") + "\n"
    yield usage(command, path)
    if options := [param for param in command.params if isinstance(param, click.Option)]:
        yield "| option | |\n|---|---|"
        yield "".join(f"{row(option)}\n" for option in options)
    yield f"```sh\n{examples(command)}\n```\n"
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from sections(inner, f"{path} {name}")


def usage(command: click.Command, path: str) -> str:
    words = [each.make_metavar(click.Context(command)) for each in command.params
             if isinstance(each, click.Argument)]  # fmt: skip
    more = " COMMAND" if isinstance(command, click.Group) else ""
    return f"`{' '.join(['pyconnect', path, *words])}{more}`\n"


def row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if not option.is_flag:
        names += f" {value(option)}"
    default = f" Default: `{option.default}`." if option.show_default else ""
    return f"| {names} | {option.help}{default} |"


def value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "or ".join(f"`{choice}` " for choice in option.type.choices).rstrip()
    return f"`{option.metavar or option.type.name.split()[0].upper()}`".replace("|", " or ")


def examples(command: click.Command) -> str:
    lines = (command.epilog or "").splitlines()[2:]
    return "\n".join(line.removeprefix("  ") for line in lines)


def reference() -> str:
    found = ((name, pyconnect.get_command(click.Context(pyconnect), name)) for name in COMMANDS)
    return "\n".join([HEAD, *(part for name, each in found for part in sections(each, name))])


def test_the_reference_says_what_the_commands_say() -> None:
    if os.environ.get("PYCONNECT_WRITE_DOCS"):
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(reference(), "utf-8")
    assert PAGE.read_text("utf-8") == reference(), "PYCONNECT_WRITE_DOCS=1 writes it anew"
