"""`plugins` and `check`: what there is, and what is wrong with it, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors_core.cli.group import pyconnect

QUOTES = '''
from pydantic import Field, SecretStr
from connectors_core import Config, Record, Source, hookimpl


class QuotesConfig(Config):
    pages: int = Field(3, description="How many pages there are.")
    token: SecretStr | None = Field(None, description="The key of the service.")


class Quotes(Source[QuotesConfig]):
    """Words of wisdom."""

    name = "quotes"

    async def read(self, partition, offset):
        yield Record("one", offset={"n": 1})


@hookimpl
def pyconnect_sources():
    return [Quotes]
'''


def call(*words: str) -> Result:
    return CliRunner().invoke(pyconnect, words, catch_exceptions=False)


@pytest.fixture
def quotes(tmp_path: Path) -> str:
    file = tmp_path / "quotes.py"
    file.write_text(QUOTES)
    return str(file)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    file = tmp_path / "broken.py"
    file.write_text("import no_such_module_anywhere\n")
    return str(file)


@pytest.mark.parametrize("words", [["plugins"], ["plugins", "list"]])
def test_the_list_has_a_plugin_of_a_file(quotes: str, words: list[str]) -> None:
    found = json.loads(call(*words, "--json", "--plugin", quotes).stdout)
    (mine,) = [info for info in found if info["name"] == "quotes"]
    assert (mine["kind"], mine["error"]) == ("source", None)
    assert "quotes" in call(*words, "--plugin", quotes).stdout


def test_a_file_named_before_the_subcommand_counts_too(quotes: str) -> None:
    assert call("plugins", "--plugin", quotes, "show", "quotes").exit_code == 0
    assert "quotes" in call("plugins", "--plugin", quotes, "list").stdout


def test_show_has_every_option_with_its_description(quotes: str) -> None:
    output = call("plugins", "show", "quotes", "--plugin", quotes).stdout
    for text in ("Words of wisdom.", "pages", "How many pages there are.", "tasks.max", "secret"):
        assert text in output


def test_show_knows_every_kind_of_plugin() -> None:
    result = call("plugins", "show", "json")
    assert result.stdout.startswith("json (converter)")
    refused = call("plugins", "show", "json", "--yaml")
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_the_skeleton_of_a_plugin_is_a_file_without_mistakes(quotes: str, tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text(call("plugins", "show", "quotes", "--yaml", "--plugin", quotes).stdout)
    result = call("check", str(file), "--plugin", quotes)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1].split()[:2] == ["connector", "quotes"]


def test_an_unknown_plugin_is_a_mistake_that_names_the_nearest(quotes: str) -> None:
    result = call("plugins", "show", "quote", "--plugin", quotes)
    assert result.exit_code == 2
    assert "quotes" in result.stderr


def test_check_names_what_is_broken_and_fails(quotes: str, broken: str) -> None:
    result = call("plugins", "check", "--plugin", quotes, "--plugin", broken)
    assert result.exit_code == 1
    assert "no_such_module_anywhere" in result.stderr
    assert "quotes" in result.stdout


def test_check_of_sound_plugins_ends_well(quotes: str) -> None:
    mine = call("plugins", "check", "--json", "--plugin", quotes)
    assert not [
        info for info in json.loads(mine.stdout) if info["where"] == quotes and info["error"]
    ]


def test_every_mistake_of_every_file_is_told_with_its_place(quotes: str, tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("name: a\nconnector.class: quotes\npages: many\npags: 1\n")
    second.write_text("name: b\nconnector.class: qotes\n")
    result = call("check", str(first), str(second), "--plugin", quotes)
    assert (result.exit_code, result.stdout) == (2, "")
    places = [line.split(": ")[0] for line in result.stderr.splitlines()]
    assert places == [f"{first}:3", f"{first}:4", f"{second}:2"]
    assert "Traceback" not in result.stderr


def test_a_plugin_brings_a_command_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through an installed distribution, as a third party would."""
    info = tmp_path / "pyconnect_hello-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pyconnect-hello\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pyconnect]\nhello = pyconnect_hello\n")
    (tmp_path / "pyconnect_hello.py").write_text(
        "import click\nfrom connectors_core import hookimpl\n"
        "@click.command()\ndef hello():\n    click.echo('hello from a plugin')\n"
        "@hookimpl\ndef pyconnect_commands():\n    return [hello]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert call("hello").stdout == "hello from a plugin\n"
    assert call("hellp").exit_code == 2
