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
INSIDE, STORED, STAGED = 0, 1, 4
"""Bytes of the flag file, as kafka_child.py tells of them."""
AIM_SECONDS = 30.0


class Worker:
    """One connector in one data directory, started and killed again and again."""

    def __init__(self, folder: Path, plugin: str, **options: Any) -> None:
        self.data = folder / "data"
        self.file = folder / f"{plugin}.yaml"
        self.flag = folder / "flag"
        self.flag.write_bytes(bytes(8))
        given = {"connector.class": plugin, "topic": "out", **options}
        self.file.write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in given.items()))
        self.aimed = self.inside_commit = self.staged = 0

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

    def run(self, crash: str | None = None, timeout: float = 180) -> int:
        """Run to the end, or to the crash; return the exit code, -9 for SIGKILL."""
        with self.start(crash) as process:
            return process.wait(timeout)

    def flagged(self, which: int) -> bool:
        """Say whether the child has set a byte of its flag file."""
        return bool(self.flag.read_bytes()[which])

    def kill_after(self, seconds: float, aim: int | None = None) -> bool:
        """Kill a run at some instant after its first commit; False if it had ended before.

        With `aim`, at an instant after that at which this byte of the flag file is set.
        """
        with self.start() as process:
            while process.poll() is None and not self.flagged(STORED):
                time.sleep(0.002)
            time.sleep(seconds)
            if not self.stopped(process, aim):
                return False
            self.aimed += aim is not None
            self.inside_commit += self.flagged(INSIDE)
            self.staged += self.flagged(STAGED)
            process.kill()
        self.flag.write_bytes(bytes(8))
        return True

    def stopped(self, process: subprocess.Popen[bytes], aim: int | None) -> bool:
        """Stop a run's time, where a byte is set if there is an aim; False if it has ended.

        Only while its time stands still it is sure that a byte is set. A byte that is never set
        is looked for in vain: who counts the hits sees that.
        """
        deadline = time.monotonic() + AIM_SECONDS
        while process.poll() is None:
            if aim is None or self.flagged(aim) or time.monotonic() > deadline:
                process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                if aim is None or self.flagged(aim) or time.monotonic() > deadline:
                    return True
                process.send_signal(signal.SIGCONT)
            time.sleep(0.0002)
        return False

    def kill_at_random(
        self, kills: int, seed: int, *, aim: int | None = None, every: int = 3
    ) -> None:
        """Kill so many runs at instants of a seeded clock; what is left is run to its end.

        With `aim`, every so many are aimed: how long what is aimed at takes is the machine's.
        """
        clock = random.Random(seed)
        for number in range(kills):
            aimed = aim if number % every == 0 else None
            assert self.kill_after(clock.uniform(0, 0.15), aimed), (
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
