"""Writes what of the reference comes from the code: `make docs`; `--check` only looks.

`docs/reference/cli.md` is written whole. Of the other pages only what stands between
`<!-- generated: NAME -->` and `<!-- end -->` is replaced; the rest is written by hand.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connectors_core.api import hooks
from connectors_core.app import build_catalogue
from connectors_core.cli.group import COMMANDS, pyconnect
from connectors_core.clients import HttpConfig, WebSocketConfig
from connectors_core.configs.describe import OptionInfo, describe, framework_options
from connectors_core.configs.overrides import ALLOWED
from connectors_core.configs.properties import ALIASES
from connectors_core.configs.worker.options import WorkerOptions
from connectors_core.testing.law import CAPABILITIES, Law
from connectors_core.testing.laws import LAWS
from connectors_core.testing.upstream.faults import FAULTS, HOSTILE

DOCS = Path(__file__).resolve().parent
PLUGINS = DOCS.parent / "plugins"
CONVERTERS = ("avro", "json", "string", "bytes")
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

CLI_HEAD = """# The command line

`pyconnect COMMAND --help` says the same. Data goes to stdout, messages go to stderr. Exit codes:
0 ok, 1 something failed while running, 2 a mistake in what was asked, 3 the environment,
4 taken over by another worker, 130 and 143 a signal. Installed plugins may bring commands of their own.
"""


def cell(text: str) -> str:
    """Return text as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def option_table(options: Iterable[OptionInfo]) -> str:
    """Return options as a table."""
    rows = "".join(
        f"| `{each.name}` | {cell(each.type)} | {default(each)} | {cell(each.description)} |\n"
        for each in options
    )
    return f"| option | takes | default | |\n|---|---|---|---|\n{rows}"


def default(option: OptionInfo) -> str:
    """Return what an option is if it is not given."""
    if option.name == "name":
        return "the file's name, without `.yaml`"
    if option.required:
        return "**required**"
    if option.secret:
        return "secret"
    return "not set" if option.default == "null" else f"`{cell(option.default)}`"


def framework() -> str:
    """Return the options that every connector has."""
    return option_table(framework_options())


def converters() -> str:
    """Return the built-in converters and their options."""
    catalogue = build_catalogue(())
    return "\n".join(_converter(name, catalogue.converter(name)) for name in CONVERTERS)


def _converter(name: str, cls: Any) -> str:
    said = f"**`{name}`**: {' '.join((inspect.getdoc(cls) or '').split())}\n"
    model = getattr(cls, "config_class", None)
    options = describe(model()) if model else []
    return f"{said}\n{option_table(options)}" if options else said


def plugins() -> str:
    """Return the plugins of this repository, each with its options."""
    names = sorted(path.parent.name for path in PLUGINS.glob("*/pyproject.toml"))
    return "\n".join(_plugin(name) for name in names)


def _plugin(name: str) -> str:
    source = build_catalogue(()).source(name)
    topics = ", ".join(f"`{topic}`" for topic in source.topics)
    readme = f"[plugins/{name}](../../plugins/{name}/README.md)"
    return "\n".join(
        [
            f"## {name}\n",
            f"{inspect.getdoc(source) or ''}\n",
            *([f"Topics beside the default one: {topics}.\n"] if topics else []),
            option_table(describe(source.config_class())),
            f"What it promises and what it can't see: {readme}.\n",
        ]
    )


def hook_specs() -> str:
    """Return every hook with its signature and what it asks for."""
    found = [hook for name, hook in vars(hooks).items() if name.startswith("pyconnect_")]
    return "\n".join(_hook(hook) for hook in found)


def _hook(hook: Callable[..., Any]) -> str:
    answer = str(inspect.signature(hook).return_annotation)
    return f"## {hook.__name__}\n\n`{hook.__name__}() -> {answer}`\n\n{inspect.getdoc(hook)}\n"


def command_line() -> str:
    """Return the whole page about the commands."""
    found = ((name, pyconnect.get_command(click.Context(pyconnect), name)) for name in COMMANDS)
    parts = [part for name, each in found if each for part in _command(each, name)]
    return "\n".join([CLI_HEAD, *parts])


def _command(command: click.Command, path: str) -> Iterator[str]:
    yield f"## pyconnect {path}\n"
    yield inspect.cleandoc(command.help or "").replace("{", "`{").replace("}", "}`") + "\n"
    yield _usage(command, path)
    if options := [param for param in command.params if isinstance(param, click.Option)]:
        yield "| option | |\n|---|---|"
        yield "".join(f"{_row(option)}\n" for option in options)
    yield f"```sh\n{_examples(command)}\n```\n"
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _command(inner, f"{path} {name}")


def _usage(command: click.Command, path: str) -> str:
    context = click.Context(command)
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    words = [param.make_metavar(context) for param in arguments]
    more = " COMMAND" if isinstance(command, click.Group) else ""
    return f"`{' '.join(['pyconnect', path, *words])}{more}`\n"


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if not option.is_flag:
        names += f" {_value(option)}"
    shown = f" Default: `{option.default}`." if option.show_default else ""
    return f"| {names} | {option.help}{shown} |"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "or ".join(f"`{choice}` " for choice in option.type.choices).rstrip()
    return f"`{option.metavar or option.type.name.split()[0].upper()}`".replace("|", " or ")


def _examples(command: click.Command) -> str:
    lines = (command.epilog or "").splitlines()[2:]
    return "\n".join(line.removeprefix("  ") for line in lines)


def worker() -> str:
    """Return the settings of a worker's file."""
    return option_table(describe(WorkerOptions))


def http_options() -> str:
    """Return the options that every source with an HttpClient has."""
    return option_table(describe(HttpConfig))


def websocket_options() -> str:
    """Return the options that every source with a WebSocketClient has."""
    return option_table(describe(WebSocketConfig))


def overrides() -> str:
    """Return what a connector may say of its producer."""
    rows = "".join(
        f"| `{name}` | {kind} | {f'`{ALIASES[name]}`' if name in ALIASES else ''} |\n"
        for name, kind in ALLOWED.items()
    )
    return f"| property | takes | the same as |\n|---|---|---|\n{rows}"


def capabilities() -> str:
    """Return what a contract may say of its source."""
    rows = "".join(f"| `{name}` | {text} |\n" for name, text in CAPABILITIES.items())
    return f"| capability | |\n|---|---|\n{rows}"


def faults() -> str:
    """Return the kinds of harm that an upstream may do."""
    return _kinds(FAULTS)


def hostile() -> str:
    """Return the kinds of hostile data that an upstream may give."""
    return _kinds(HOSTILE)


def _kinds(kinds: Mapping[str, str]) -> str:
    rows = "".join(f"| `{kind}` | {text} |\n" for kind, text in kinds.items())
    return f"| kind | |\n|---|---|\n{rows}"


def laws() -> str:
    """Return every law: what it says, why there is one, how to keep it."""
    return "\n".join(_law(each) for each in LAWS)


def _law(law: Law) -> str:
    text, why, how = law.paragraphs
    facts = [f"level {law.level}", f"{law.seconds:g} s"]
    facts += [f"needs {', '.join(f'`{each}`' for each in sorted(law.needs))}"] if law.needs else []
    facts += [f"rests on {', '.join(f'`{each}`' for each in law.rests_on)}"] if law.rests_on else []
    return f"### {law.name}\n\n{text}\n\n*Why:* {why}\n\n*How:* {how}\n\n{'; '.join(facts)}.\n"


PARTS: dict[str, Callable[[], str]] = {
    "options": framework,
    "worker": worker,
    "capabilities": capabilities,
    "faults": faults,
    "hostile": hostile,
    "laws": laws,
    "overrides": overrides,
    "converters": converters,
    "plugins": plugins,
    "hooks": hook_specs,
    "http-options": http_options,
    "websocket-options": websocket_options,
}


def generated(page: Path, text: str) -> str:
    """Return what a page must say, given what it says. KeyError for a part that nobody writes."""
    if page == DOCS / "reference" / "cli.md":
        return command_line()
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


def main(arguments: Sequence[str]) -> int:
    """Write the pages that are stale; with `--check` name them, and return 1 if there is one."""
    look_only = "--check" in arguments
    stale = 0
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        wanted = generated(page, text)
        if text != wanted:
            stale += 1
            click.echo(f"{page.relative_to(DOCS.parent)} {'is stale' if look_only else 'written'}")
            if not look_only:
                page.write_text(wanted, "utf-8")
    return 1 if stale and look_only else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
