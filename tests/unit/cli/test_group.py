"""The command as a whole: quick, helpful, and never a traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner

from connectors_core.api.errors import ConfigError, FencedError, StoreError
from connectors_core.cli.failure import guarded
from connectors_core.cli.group import COMMANDS, pyconnect

CALL = "from connectors_core.cli import main; main()"
HEAVY = ("asyncio", "fastavro", "importlib.metadata", "pluggy", "pydantic", "rich", "sqlite3")


def commands(group: click.Group = pyconnect, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give every command with its path."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{path} {name}".strip(), command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())


def test_help_imports_nothing_that_takes_long() -> None:
    code = f"import sys; sys.argv[1:] = ['--help']\ntry:\n {CALL}\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & set(HEAVY)
    assert "connectors_core.cli.run" not in loaded


def test_help_lists_every_command_with_its_own_first_line() -> None:
    output = CliRunner().invoke(pyconnect, ["--help"]).stdout
    for name, (_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", output, re.MULTILINE)


@pytest.mark.parametrize(("path", "command"), [*commands()], ids=str)
def test_every_command_has_help_with_examples_that_are_calls_of_it(
    path: str, command: click.Command
) -> None:
    result = CliRunner().invoke(pyconnect, [*path.split(), "--help"])
    assert result.exit_code == 0
    shown = [line for line in result.stdout.splitlines() if f"pyconnect {path}" in line]
    assert len(shown) >= 2, "the usage line, and at least one example"
    assert all(param.help for param in command.params if isinstance(param, click.Option))


def test_an_unknown_command_names_the_nearest() -> None:
    result = CliRunner().invoke(pyconnect, ["exprot"])
    assert result.exit_code == 2
    assert "Did you mean 'export'?" in result.stderr


@pytest.mark.parametrize("flag", ["--version"])
def test_the_version_is_that_of_the_distribution(flag: str) -> None:
    short = CliRunner().invoke(pyconnect, [flag]).stdout.split()
    full = json.loads(CliRunner().invoke(pyconnect, ["version", "--json"]).stdout)
    assert short == ["pyconnect", full["pyconnect"]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_the_command(shell: str) -> None:
    result = CliRunner().invoke(pyconnect, ["completion", shell])
    assert "_PYCONNECT_COMPLETE=" in result.stdout


def test_completion_offers_commands_and_topics(prices: Any) -> None:
    def offered(line: str) -> str:
        shell = {"_PYCONNECT_COMPLETE": "bash_complete", "COMP_WORDS": line}
        code = f"import sys; sys.argv[0] = 'pyconnect'; {CALL}"
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **shell, "COMP_CWORD": str(len(line.split(" ")) - 1)},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    assert offered("pyconnect exp") == "plain,export\n"
    assert offered(f"pyconnect tail --data-dir {prices.data_dir} pr") == "plain,prices\n"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (FencedError("another owner"), 1, "another owner\n"),
        (StoreError("no room", place="log.db"), 3, "log.db: no room\n"),
        (ConfigError.of([ConfigError("a", place="x.yaml:1"), ConfigError("b\x1b[2J\nc")]), 2,
         "x.yaml:1: a\nb\\x1b[2J\\nc\n"),
        (PermissionError(13, "Permission denied", "/data"), 3,
         "pyconnect: [Errno 13] Permission denied: '/data'\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
    ],
)  # fmt: skip
def test_an_error_is_a_message_and_an_exit_code(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @click.pass_context
    def fails(ctx: click.Context) -> None:
        with guarded(ctx):
            raise error

    result = CliRunner().invoke(fails)
    assert (result.exit_code, result.stderr) == (code, text)


def test_a_bug_of_ours_is_not_hidden() -> None:
    @click.command()
    @click.pass_context
    def fails(ctx: click.Context) -> None:
        with guarded(ctx):
            raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(fails).exception, ZeroDivisionError)


def test_a_reader_that_has_seen_enough_is_no_failure(log: Any) -> None:
    log.texts("letters", *("x" * 1000 for _ in range(500)))
    words = ["export", "letters", "--data-dir", str(log.data_dir)]
    with subprocess.Popen(
        [sys.executable, "-c", CALL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(30) == 0


def test_follow_shows_what_comes_and_ends_with_ctrl_c(log: Any) -> None:
    log.texts("letters", "a", "b")
    words = ["tail", "letters", "--follow", "--format", "jsonl", "--data-dir", str(log.data_dir)]
    with subprocess.Popen(
        [sys.executable, "-c", CALL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert [json.loads(child.stdout.readline())["value"] for _ in range(2)] == ["a", "b"]
        log.texts("letters", "c")
        assert json.loads(child.stdout.readline())["value"] == "c"
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert (child.stdout.read(), child.stderr.read()) == (b"", b"")
