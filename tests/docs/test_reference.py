"""The reference lists everything that there is, and says what the code says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from connectors_core.api import hooks
from connectors_core.api.config import ConnectorOptions
from connectors_core.app import build_catalogue
from connectors_core.cli.group import COMMANDS, pyconnect
from connectors_core.configs.describe import describe
from tests.docs.markdown import ROOT

REFERENCE = ROOT / "docs" / "reference"
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))


def said(page: str) -> str:
    return (REFERENCE / page).read_text("utf-8")


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_no_generated_page_is_stale() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, f"`make docs` writes them anew\n{found.stdout}{found.stderr}"


def test_every_option_of_the_framework_is_listed() -> None:
    page = said("configuration.md")
    for name, field in ConnectorOptions.model_fields.items():
        assert f"| `{field.alias or name}` |" in page


@pytest.mark.parametrize("name", PLUGINS)
def test_every_option_of_a_plugin_is_listed_below_its_name(name: str) -> None:
    _, found, rest = said("plugins.md").partition(f"\n## {name}\n")
    assert found
    part = rest.partition("\n## ")[0]
    options = describe(build_catalogue(()).source(name).config_class())
    assert options
    for option in options:
        assert f"| `{option.name}` |" in part and option.description


def test_every_hook_is_listed() -> None:
    page = said("hooks.md")
    found = [name for name in vars(hooks) if name.startswith("pyconnect_")]
    assert len(found) >= 5
    for name in found:
        assert f"\n## {name}\n" in page


def test_every_command_and_each_of_its_options_is_listed() -> None:
    page = said("cli.md")
    assert set(COMMANDS) == set(pyconnect.list_commands(click.Context(pyconnect)))
    for path, command in commands(pyconnect, "pyconnect"):
        _, found, rest = page.partition(f"\n## {path}\n")
        assert found, path
        part = rest.partition("\n## ")[0]
        assert (command.help or "-").strip().splitlines()[0].rstrip(".") in part
        for param in command.params:
            if isinstance(param, click.Option):
                assert f"`{param.opts[-1]}`" in part, f"{path} {param.opts}"
