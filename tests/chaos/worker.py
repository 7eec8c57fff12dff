"""Starts workers to be killed, and reads back what they left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors_core.app import LogPlace, check_store, decoder, open_reader

HERE = Path(__file__).parent
PLUGIN = HERE / "killed_sources.py"


class Worker:
    """One connector in one data directory, started and killed again and again."""

    def __init__(self, folder: Path, plugin: str, **options: Any) -> None:
        self.data = folder / "data"
        self.file = folder / f"{plugin}.yaml"
        self.flag = folder / "flag"
        self.flag.write_bytes(bytes(8))
        given = {"connector.class": plugin, "topic": "out", **options}
        self.file.write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in given.items()))
        self.inside_commit = self.staged = 0

    def start(self, crash: str | None = None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if crash:
            environment["PYCONNECT_CRASH"] = crash
        command = [sys.executable, str(HERE / "watched_worker.py"), str(self.flag), "run"]
        arguments = [str(self.file), "--plugin", str(PLUGIN), "--data-dir", str(self.data)]
        return subprocess.Popen(
            [*command, *arguments, "--log-level", "error"],
            env=environment,
            stdout=subprocess.DEVNULL,
        )

    def run(self, crash: str | None = None, timeout: float = 60) -> int:
        """Run to the end, or to the crash; return the exit code, -9 for SIGKILL."""
        with self.start(crash) as process:
            return process.wait(timeout)

    def kill_after(self, seconds: float, *, amid: bool = False) -> bool:
        """Kill a run at some instant after its first commit; False if it had ended before.

        With `amid`, at the first instant after that at which a commit is seen to be under way.
        """
        with self.start() as process:
            while process.poll() is None and not self.flag.read_bytes()[1]:
                time.sleep(0.002)
            time.sleep(seconds)
            while amid and process.poll() is None and not self.flag.read_bytes()[0]:
                pass
            if process.poll() is not None:
                return False
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            self.inside_commit += self.flag.read_bytes()[0]
            self.staged += self.flag.read_bytes()[4]
            process.kill()
        self.flag.write_bytes(bytes(8))
        return True

    def kill_at_random(self, kills: int, seed: int, *, aimed: bool = False) -> None:
        """Kill so many runs at instants of a seeded clock; what is left is run to its end.

        With `aimed`, every third is aimed into a commit: how long one takes is the machine's.
        """
        clock = random.Random(seed)
        for number in range(kills):
            amid = aimed and number % 3 == 0
            assert self.kill_after(clock.uniform(0, 0.15), amid=amid), (
                "the run ended before it could be killed"
            )

    def numbers(self) -> Mapping[int, list[int]]:
        """Return the numbers of every partition as they stand in the log."""
        reader = open_reader(LogPlace(self.data))
        decode = decoder(reader)
        found: dict[int, list[int]] = {}
        try:
            for partition, (start, end) in reader.bounds("out").items():
                while start < end:
                    page = reader.read("out", partition, start, 5000)
                    for record in page:
                        value = decode(record.value)
                        found.setdefault(value["p"], []).append(value["n"])
                    start = page[-1].offset + 1
        finally:
            reader.close()
        return found

    def check(self, partitions: int, at_least: int = 1) -> None:
        """Assert that nothing is lost, doubled or out of order, and that the file is sound."""
        assert check_store(LogPlace(self.data)) == []
        numbers = self.numbers()
        assert sorted(numbers) == list(range(partitions))
        for found in numbers.values():
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= at_least
