"""Starts `pyconnect run` and looks at it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

COMMAND = [sys.executable, "-m", "connectors_core"]


def connector(folder: Path, name: str, **options: Any) -> Path:
    """Write a connector's file; return its path."""
    path = folder / f"{name}.yaml"
    path.write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in options.items()))
    return path


def lines_file(folder: Path, count: int) -> Path:
    """Write `count` JSON lines of about 200 bytes; return the path."""
    path = folder / "lines.jsonl"
    with path.open("w") as file:
        for n in range(count):
            line = {
                "id": n,
                "symbol": f"SYM{n % 1000:05d}",
                "price": 100.25 + n % 77,
                "size": n % 500,
                "venue": "KRX",
                "note": "x" * 80,
                "ts": 1_700_000_000_000 + n,
                "ok": n % 2 == 0,
            }
            file.write(json.dumps(line) + "\n")
    return path


def arguments(files: Sequence[Path], data: Path, *more: str) -> list[str]:
    """Return the command line of a run with its data in `data`."""
    return [
        *COMMAND,
        "run",
        *map(str, files),
        "--data-dir",
        str(data),
        "--log-level",
        "error",
        *more,
    ]


def run(files: Sequence[Path], data: Path, *more: str) -> tuple[Mapping[str, Any], float]:
    """Run to the end; return the summary and the peak memory in MiB."""
    process = subprocess.Popen(
        arguments(files, data, "--json", *more), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"pyconnect run ended with {process.returncode}"
    summary: Mapping[str, Any] = json.loads(output.splitlines()[-1])
    return summary, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)


class Started:
    """A worker that runs in the background until the block ends."""

    def __init__(self, command: Sequence[str], *, terminal: bool = False) -> None:
        self.at = time.monotonic()
        self._terminal = pty.openpty() if terminal else ()
        out = self._terminal[1] if self._terminal else subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=out, stderr=out)
        if self._terminal:
            threading.Thread(target=_drain, args=self._terminal[:1], daemon=True).start()
        self.process = psutil.Process(self._process.pid)

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        for end in self._terminal[1:]:
            os.close(end)

    def cpu(self, seconds: float) -> float:
        """Return the share of one core that is used over some seconds, in percent."""
        before = sum(self.process.cpu_times()[:2])
        began = time.monotonic()
        time.sleep(seconds)
        return (sum(self.process.cpu_times()[:2]) - before) / (time.monotonic() - began) * 100

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        return float(self.process.memory_info().rss) / (1 << 20)


def _drain(end: int) -> None:
    """Take what is drawn on a terminal, so that it never waits."""
    with contextlib.suppress(OSError):
        while os.read(end, 65536):
            pass
    os.close(end)
