"""Tests of the kill loops: each bug that they are for is planted, and they see it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from worker import PLUGIN, Worker

HERE = Path(__file__).parent


class FaultyWorker(Worker):
    """A worker with a bug; it dies at the `kills`-th arrival at a named point."""

    def __init__(
        self, folder: Path, bug: str, source: str, plugin: Path = PLUGIN, **options: Any
    ) -> None:
        super().__init__(folder, source, **{"commit.linger.ms": 0, **options})
        self.bug = bug
        self.plugin = plugin

    def start(self, crash: str | None = None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        if crash:
            environment["PYCONNECT_CRASH"] = crash
        command = [sys.executable, str(HERE / "faulty_worker.py"), self.bug, str(self.flag), "run"]
        arguments = [str(self.file), "--plugin", str(self.plugin), "--data-dir", str(self.data)]
        return subprocess.Popen(
            [*command, *arguments, "--log-level", "error"],
            env=environment,
            stdout=subprocess.DEVNULL,
        )


def crash_and_finish(worker: Worker, point: str) -> None:
    for arrival in (3, 4):
        assert worker.run(f"{point}:{arrival}") == -9
    assert worker.run() == 0


BUGS = {
    "offsets-after": ("counting", "begin"),
    "offsets-before": ("counting", "begin"),
    "state-after": ("keeping", "begin"),
    "state-before": ("keeping", "begin"),
    "doubled": ("counting", None),
    "dropped": ("counting", None),
    "swapped": ("counting", None),
}
SIZE = {"last": 2000, "partitions": 1, "read.ahead.bytes": 16_384}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_seen(tmp_path: Path, bug: str) -> None:
    source, point = BUGS[bug]
    worker = FaultyWorker(tmp_path, bug, source, **SIZE)
    if point is not None:
        # Arrivals at `begin` alternate between the two transactions: die before a second one.
        assert worker.run(f"{point}:4") == -9
        assert worker.run() == 0
    else:
        assert worker.run() == 0
    with pytest.raises(AssertionError):
        worker.check(partitions=1, at_least=2000)


@pytest.mark.parametrize("source", ["counting", "keeping"])
def test_without_a_bug_the_same_run_passes(tmp_path: Path, source: str) -> None:
    worker = FaultyWorker(tmp_path, "none", source, **SIZE)
    assert worker.run("begin:4") == -9
    assert worker.run() == 0
    worker.check(partitions=1, at_least=2000)


@pytest.mark.parametrize("bug", ["none", "acknowledged-first"])
def test_an_acknowledgement_before_the_commit_is_seen(tmp_path: Path, bug: str) -> None:
    worker = FaultyWorker(
        tmp_path,
        bug,
        "queue",
        HERE / "acking_source.py",
        upstream=str(tmp_path / "up"),
        last=40_000,
    )
    for _ in range(3):
        assert worker.run("write:2") == -9
    assert worker.run() == 0
    if bug == "none":
        worker.check(partitions=1, at_least=40_000)
        return
    with pytest.raises(AssertionError):
        worker.check(partitions=1, at_least=40_000)
