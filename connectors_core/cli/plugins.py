"""`pyconnect plugins`: what is installed, what its options are, whether it can be used."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors_core.api.errors import ConfigError, PyconnectError
from connectors_core.cli.escape import one_line
from connectors_core.cli.options import examples, json_option, plugin_option
from connectors_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from connectors_core.configs.describe import OptionInfo
    from connectors_core.discovery import Catalogue, PluginInfo

_KINDS = ("source", "transform", "predicate", "converter")


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "pyconnect plugins",
        "pyconnect plugins show file-lines",
        "pyconnect plugins check --plugin ./quotes.py",
    ),
)
@plugin_option
@json_option
@click.pass_context
def plugins(ctx: click.Context, plugins: tuple[Path, ...], as_json: bool) -> None:
    """List the plugins from their metadata: none that is installed is imported for it."""
    ctx.obj = plugins
    if ctx.invoked_subcommand is None:
        _list(_catalogue(plugins).plugins(), as_json)


@plugins.command("list", epilog=examples("pyconnect plugins list --json"))
@plugin_option
@json_option
@click.pass_obj
def list_all(before: tuple[Path, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """List the plugins: the same as `pyconnect plugins`."""
    _list(_catalogue(before + plugins).plugins(), as_json)


@plugins.command(
    epilog=examples(
        "pyconnect plugins show file-lines",
        "pyconnect plugins show file-lines --yaml > lines.yaml",
        "pyconnect plugins show quotes --plugin ./quotes.py",
    )
)
@click.argument("name")
@click.option("--yaml", "as_yaml", is_flag=True, help="Write a connector file to start from.")
@plugin_option
@click.pass_obj
def show(before: tuple[Path, ...], name: str, as_yaml: bool, plugins: tuple[Path, ...]) -> None:
    """Show what the plugin NAME does and every option that it takes."""
    from connectors_core.configs.describe import describe, framework_options, skeleton

    kind, found = _find(_catalogue(before + plugins), name)
    if as_yaml:
        if kind != "source":
            raise ConfigError(f"{name} is a {kind}: only a source has a file of its own.")
        click.echo(skeleton(found))
        return
    click.echo(f"{name} ({kind})\n\n{inspect.getdoc(found) or ''}\n\nOptions:\n")
    if hasattr(found, "config_class"):
        _options(describe(found.config_class()))
    if kind == "source":
        click.echo("Options of every source:\n")
        _options(framework_options())


@plugins.command(epilog=examples("pyconnect plugins check"))
@plugin_option
@json_option
@click.pass_obj
def check(before: tuple[Path, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """Import every plugin and say which can't be used; exit code 1 if there is one."""
    found = _catalogue(before + plugins).check()
    _list(found, as_json)
    broken = [info for info in found if info.error]
    for info in broken:
        click.echo(one_line(f"{info.distribution}:{info.name}: {info.error}"), err=True)
    if broken:
        raise PyconnectError(f"{len(broken)} of {len(found)} plugins can't be used.")


def _catalogue(files: Sequence[Path]) -> Catalogue:
    from connectors_core.app import build_catalogue

    return build_catalogue(files)


def _list(found: Sequence[PluginInfo], as_json: bool) -> None:
    if as_json:
        print_json([asdict(info) for info in found])
        return
    heads = ("name", "kind", "distribution", "version", "from", "error")
    rows = [(i.name, i.kind, i.distribution, i.version, i.where, i.error) for i in found]
    print_table(heads, rows)


def _find(catalogue: Catalogue, name: str) -> tuple[str, Any]:
    """Return the kind and the class; of an unknown name, the error about sources."""
    unknown: list[ConfigError] = []
    for kind in _KINDS:
        try:
            return kind, getattr(catalogue, kind)(name)
        except ConfigError as error:
            if error.code != "plugin.unknown":
                raise
            unknown.append(error)
    raise unknown[0]


def _options(options: Sequence[OptionInfo]) -> None:
    for option in options:
        click.echo(f"  {option.name}  {_nature(option)}")
        click.echo(f"      {one_line(option.description)}\n")


def _nature(option: OptionInfo) -> str:
    if option.required:
        return f"({option.type}, required)"
    if option.secret:
        return f"({option.type}, secret)"
    return f"({option.type}, default {one_line(option.default)})"
