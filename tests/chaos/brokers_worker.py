"""`pyconnect run` against a cluster that is hurt: a process of its own, watched and judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from connectors_core.api.errors import PyconnectError
from connectors_core.app import control
from tests.kafka import oracle
from tests.kafka.topic import create, unique

HERE = Path(__file__).parent
PLUGIN = HERE / "brokers_source.py"
LOOK_SECONDS = 0.1
END_SECONDS = 60.0
GOES_ON_SECONDS = 180.0
"""More than the 120 s for which a commit is waited for whose end nobody answers."""
TRANSACTION_TIMEOUT = "60s"


class Worker:
    """One connector that writes numbers, its own topic, and what was seen of it.

    `longest` is the longest time without a committed record, `states` every state that was shown,
    `notes` every note and error text, `codes` every error's code, `memory` the most resident bytes.
    """

    def __init__(
        self, folder: Path, bootstrap: str, direct: str | None = None, **given: Any
    ) -> None:
        self.name = unique("paced")
        self.topic = str(given.pop("topic", self.name))
        self.bootstrap, self.direct = bootstrap, direct or bootstrap
        self.data, self.log = folder / "data", folder / f"{self.name}.log"
        kafka = {"bootstrap.servers": bootstrap, **given.pop("kafka", {})}
        timeout = given.pop("timeout", TRANSACTION_TIMEOUT)
        options = {"name": self.name, "connector.class": "paced", "topic": self.topic}
        self.file, self.settings = folder / "paced.yaml", folder / "worker.yaml"
        write(self.file, {**options, "value.converter": "json", **given})
        write(self.settings, {"kafka": kafka, "transaction.timeout.ms": timeout})
        self.longest, self.memory = 0.0, 0
        self.states: set[str] = set()
        self.notes: set[str] = set()
        self.codes: set[str] = set()
        self.records = 0
        self.entry = [sys.executable, "-m", "connectors_core"]

    def make_topic(self) -> None:
        """Make the topic of records: three partitions, three replicas, two of them in sync."""
        create(self.direct, self.topic, 3, min_insync_replicas=2)

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.watcher.join()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def command(self) -> list[str]:
        """Return how it is started."""
        settings = ["--worker", str(self.settings), "--data-dir", str(self.data)]
        return [*self.entry, "run", str(self.file), "--plugin", str(PLUGIN), *settings]

    def start(self) -> None:
        """Start the process, and watch it until it is stopped."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
            )
        self.over = threading.Event()
        self.moved = threading.Condition()
        self.watcher = threading.Thread(target=self.watch, name="watch-worker")
        self.watcher.start()

    def watch(self) -> None:
        """Look at its status again and again."""
        since = time.monotonic()
        while not self.over.wait(LOOK_SECONDS) and self.process.poll() is None:
            status = self.status()
            now = time.monotonic()
            if status is None:
                continue
            with self.moved:
                if status["records"] > self.records or not self.records:
                    since, self.records = now, status["records"]
                self.longest = max(self.longest, now - since)
                self.states.add(status["state"])
                self.notes.add(self.said(status))
                self.codes |= {status["failure"]["code"]} if status["failure"] else set()
                self.memory = max(self.memory, self.resident())
                self.moved.notify_all()

    def status(self) -> Mapping[str, Any] | None:
        """Return what the worker says of its connector, None if it can't be asked."""
        try:
            found: Mapping[str, Any] = control(self.data, "status")["connectors"][0]
            return found
        except PyconnectError:
            return None

    def said(self, status: Mapping[str, Any]) -> str:
        """Return the note, or else the last error."""
        failure = status["failure"]
        return status["note"] or (failure["text"] if failure else "")

    def resident(self) -> int:
        """Return how much memory it has now."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def until(self, fact: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until a fact about the worker holds, looked at after each look at its status."""
        with self.moved:
            met = self.moved.wait_for(lambda: fact() or self.ended(), seconds)
            assert met and fact(), f"not {what} after {seconds:.0f} s: {self.tail()}"

    def goes_on(self, seconds: float = GOES_ON_SECONDS, records: int = 500) -> float:
        """Wait until it has committed some more records; return how long that took."""
        began, before = time.monotonic(), self.records
        self.until(lambda: self.records >= before + records, "going on by itself", seconds)
        return time.monotonic() - began

    def lives_through(self, seconds: float) -> None:
        """Let time pass; a worker that ends meanwhile is an error."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        assert not self.ended(), f"the worker has ended by itself: {self.tail()}"

    def forget(self) -> None:
        """Begin to watch anew."""
        with self.moved:
            self.longest, self.memory = 0.0, 0
            self.states.clear()
            self.notes.clear()
            self.codes.clear()

    def was_told(self, words: str) -> bool:
        """Say whether a note or an error since the last `forget` holds these words."""
        return any(words in each for each in self.notes)

    def saw_the_brokers_fail(self) -> bool:
        """Say whether an error since the last `forget` was the brokers': each has its own words."""
        return any(each.startswith("kafka.") for each in self.codes)

    def ended(self) -> bool:
        """Say whether the process is gone."""
        return self.process.poll() is not None

    def tail(self) -> str:
        """Return the end of what it said, and what it was seen to be."""
        lines = self.log.read_text(errors="replace").splitlines()[-30:]
        seen = f"exit {self.process.poll()}, {self.records} records, {self.states}, {self.notes}"
        return "\n".join([seen, *lines])

    def stop(self) -> None:
        """End it in good order: SIGTERM, exit 0."""
        assert not self.ended(), f"the worker has ended by itself: {self.tail()}"
        self.over.set()
        self.watcher.join()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(END_SECONDS) == 0, self.tail()

    def judge(self, at_least: int = 1) -> int:
        """Assert that nothing is lost, doubled or out of order; return the number of records.

        And that the committed offsets are those of the newest committed records: invariant 2.
        """
        numbers = self.numbers()
        offsets = self.offsets()
        faults = [
            fault
            for p in sorted({*numbers, *offsets})
            for fault in self.faults(p, numbers, offsets)
        ]
        assert not faults, f"{self.topic}: {'; '.join(faults)}"
        count = sum(map(len, numbers.values()))
        assert count >= at_least, f"only {count} records"
        return count

    def faults(
        self, p: int, numbers: Mapping[int, list[int]], offsets: Mapping[int, int]
    ) -> list[str]:
        """Return what is wrong with a partition."""
        found, offset = numbers.get(p, []), offsets.get(p, 0)
        lost = sorted({*range(1, max([offset, *found]) + 1)} - {*found})
        faults = []
        if lost:
            faults.append(f"partition {p} lost {len(lost)} from {lost[0]}")
        if len(found) != len({*found}):
            faults.append(f"partition {p} has {len(found) - len({*found})} twice")
        if any(after < before for before, after in pairwise(found)):
            faults.append(f"partition {p} is out of order")
        if not found or found[-1] != offset:
            faults.append(f"partition {p} ends at {found[-1:]}, its offset is {offset}")
        return faults

    def numbers(self) -> Mapping[int, list[int]]:
        """Return the committed numbers of every partition as they stand in the topic."""
        found: dict[int, list[int]] = {}
        for record in oracle.committed(self.direct, self.topic):
            value = json.loads(record.value or b"")
            found.setdefault(value["p"], []).append(value["n"])
        return found

    def offsets(self) -> Mapping[int, int]:
        """Return the committed offset of every partition."""
        found = oracle.newest(self.direct, "pyconnect-offsets")
        keys = {key: json.loads(key or b"") for key in found}
        return {
            place[1]["p"]: json.loads(found[key])["n"]
            for key, place in keys.items()
            if place[0] == self.name
        }


def write(path: Path, options: Mapping[str, Any]) -> None:
    """Write a YAML file; JSON is YAML."""
    path.write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in options.items()))
