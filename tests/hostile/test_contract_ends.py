"""Who ends `pyconnect contract` amid the kills ends its workers too, and finds no folder of theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]
SECONDS = 60.0
PLUGIN = '''
import asyncio
import sys

from connectors_core import Config, Record, Source
from connectors_core.testing import SourceContract
from connectors_core.testing.laws import LAWS


class Hanging(Source[Config]):
    """One record; in a worker of its own it never comes."""

    name = "hanging"

    async def read(self, partition, offset):
        if "zygote" in (sys.modules["__main__"].__file__ or ""):
            await asyncio.sleep(3600)
        if not offset:
            yield Record(1, offset={"n": 1})


class Upstream:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    def config(self):
        return {}

    def expected(self):
        return [1]


class Contract(SourceContract):
    source = Hanging
    upstream = Upstream
    capabilities = {"replayable", "bounded"}
    waive = {each.name: "it is not what is looked at" for each in LAWS if each.level != "crash"}
'''


def marked(mark: str) -> list[int]:
    """Return the processes that have inherited a mark in their environment."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (each / "environ").read_bytes():
                found.append(int(each.name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return found


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_command(tmp_path: Path, number: signal.Signals) -> None:
    mark, temporary = uuid.uuid4().hex, tmp_path / "tmp"
    temporary.mkdir()
    file = tmp_path / "hanging.py"
    file.write_text(PLUGIN)
    words = ["contract", "hanging", "--plugin", str(file), "--level", "crash"]
    process = subprocess.Popen(
        [sys.executable, "-m", "connectors_core", *words],
        env={**os.environ, "PYCONNECT_MARK": mark, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert until(lambda: len(marked(mark)) >= 3)  # the command, the parent of workers, a worker
        process.send_signal(number)
        process.wait(SECONDS)
        if number is signal.SIGINT:  # it takes them along; of others they have to notice it
            assert (marked(mark), [*temporary.iterdir()]) == ([], [])
        assert until(lambda: not marked(mark))
    finally:
        process.kill()
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
