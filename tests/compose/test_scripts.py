"""The two scripts that containers run, each with a program in the place of what it starts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.stack import COMPOSE, ROOT, environment, service

KEYS = {"KIS_APP_KEY": "a", "KIS_APP_SECRET": "b"}
FILES = sorted(path.name for path in (ROOT / "connectors.d").glob("*.yaml"))


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run_worker(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run worker.sh; what it would start prints its pid and each of its words on a line."""
    program(folder / "pyconnect", 'printf "%s\\n" "$$" "$@"')
    shell = subprocess.Popen(
        ["sh", COMPOSE / "worker.sh"],
        env={"PATH": f"{folder}:/usr/bin:/bin", "CONNECTORS": str(ROOT / "connectors.d")}
        | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = shell.communicate(timeout=20)
    assert out.splitlines()[0] == str(shell.pid), "the shell stays between Docker and the worker"
    return subprocess.CompletedProcess(shell.args, shell.returncode, out, err)


def connectors(done: subprocess.CompletedProcess[str]) -> list[str]:
    words = done.stdout.splitlines()
    assert words[1] == "run"
    return [Path(word).name for word in words if word.endswith(".yaml")]


def test_the_worker_runs_every_connector(tmp_path: Path) -> None:
    done = run_worker(tmp_path, **KEYS)
    assert connectors(done) == FILES and not done.stderr


@pytest.mark.parametrize("missing", KEYS)
def test_a_connector_whose_keys_are_missing_is_left_out_and_named(
    tmp_path: Path, missing: str
) -> None:
    done = run_worker(tmp_path, **{name: value for name, value in KEYS.items() if name != missing})
    assert connectors(done) == [name for name in FILES if name != "stock-krx.yaml"]
    assert "stock-krx.yaml: left out" in done.stderr and missing in done.stderr


def takes(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Let pyconnect parse words; `--help` keeps it from doing them, and forgives no mistake."""
    call = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
    return subprocess.run([*call, *words, "--help"], capture_output=True, text=True, check=False)


def test_what_the_containers_run_are_words_of_pyconnect(tmp_path: Path) -> None:
    worker = run_worker(tmp_path, **KEYS).stdout.splitlines()[1:]
    for words in (worker, service("registry")["command"]):
        done = takes(words)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"
        assert takes([*words, "--no-such-option"]).returncode == 2


def run_topics(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run topics.sh with the environment it has in its container; `sleep` takes no time."""
    program(folder / "sleep", "exit 0")
    tool = program(folder / "create", body)
    variables = environment("Topics") | {"TOPICS_TOOL": str(tool)}
    return subprocess.run(
        ["bash", COMPOSE / "topics.sh"],
        env={"PATH": f"{folder}:/usr/bin:/bin", "HERE": str(folder)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_topic_is_made_with_three_replicas_of_which_two_must_be_in_sync(
    tmp_path: Path,
) -> None:
    done = run_topics(tmp_path, 'echo "$@"')
    assert done.returncode == 0
    assert done.stdout == (
        "--bootstrap-server Broker00:9092,Broker01:9092,Broker02:9092 --create --if-not-exists "
        "--topic test-crawling-topic --partitions 3 --replication-factor 3 "
        "--config min.insync.replicas=2\n"
    )


def test_brokers_that_are_not_ready_are_asked_again(tmp_path: Path) -> None:
    done = run_topics(tmp_path, 'echo x >> "$HERE/tries"; [ $(wc -l < "$HERE/tries") -ge 3 ]')
    assert done.returncode == 0
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_a_topic_that_cannot_be_made_is_an_error_in_the_end(tmp_path: Path) -> None:
    done = run_topics(tmp_path, "echo refused >&2; exit 1")
    assert done.returncode == 1
    assert done.stderr.count("refused") == 30
    assert "test-crawling-topic: could not be made" in done.stderr
