"""Starts workers on Kafka to be killed or frozen, and judges what they left there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from connectors_core.app import decoder
from connectors_core.stores.kafka import KafkaReader, KafkaSettings
from tests.chaos.kafka_child import REFUSED, STORED, THAWED
from tests.chaos.worker import HERE, PLUGIN, Worker
from tests.kafka import oracle, topic

SECONDS = 60.0
CALL = "from connectors_core.cli import main; main()"


class KafkaWorker(Worker):
    """One connector on a cluster, with topics of its own, started and hurt again and again.

    `settings` go into its worker.yaml. `another()` is a second worker of the same connector.
    """

    def __init__(
        self,
        folder: Path,
        kafka: str,
        plugin: str,
        *,
        bug: str = "none",
        file: Path = PLUGIN,
        settings: Mapping[str, object] | None = None,
        policy: str = "compact",
        **options: Any,
    ) -> None:
        self.name = topic.unique(plugin)
        self.topic = f"out-{self.name}"
        folder.mkdir(exist_ok=True)
        given = {"commit.linger.ms": 0, "read.ahead.bytes": 16_384, **options}
        super().__init__(folder, plugin, **{"name": self.name, "topic": self.topic, **given})
        self.kafka, self.plugin, self.plugin_file, self.bug = kafka, plugin, file, bug
        self.settings = KafkaSettings(
            {"bootstrap.servers": kafka},
            offsets_topic=f"offsets-{self.name}",
            claims_topic=f"claims-{self.name}",
            schemas_topic=f"schemas-{self.name}",
        )
        self.slot = self.settings.slot_name(self.name)
        self.worker_file = folder / "worker.yaml"
        self.worker_file.write_text(json.dumps({**self._topics(), **(settings or {})}))
        self.errors = folder / "errors"
        # Three partitions are made, and read, sooner than 25.
        topic.create(kafka, self.settings.offsets_topic, 3, cleanup_policy=policy)

    def another(self, folder: Path, bug: str | None = None) -> KafkaWorker:
        """Return a worker of the same connector with a data directory of its own."""
        other: KafkaWorker = object.__new__(KafkaWorker)
        vars(other).update(vars(self))
        folder.mkdir()
        other.data, other.flag, other.errors = folder / "data", folder / "flag", folder / "errors"
        other.flag.write_bytes(bytes(8))
        other.bug = self.bug if bug is None else bug
        return other

    def start(self, crash: str | None = None, freeze: str | None = None) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYCONNECT_")}
        environment["PYTHONPATH"] = str(HERE.parents[1])
        environment |= {"PYCONNECT_CRASH": crash} if crash else {}
        environment |= {"PYCONNECT_FREEZE": freeze} if freeze else {}
        command = [sys.executable, str(HERE / "kafka_child.py"), self.bug, str(self.flag)]
        with self.errors.open("wb") as errors:
            return subprocess.Popen(
                [*command, "run", str(self.file), *self.place(), *self.quiet()],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def place(self) -> list[str]:
        """Return the options that say where the log is."""
        return [
            "--worker",
            str(self.worker_file),
            "--kafka",
            self.kafka,
            "--data-dir",
            str(self.data),
        ]

    def quiet(self) -> list[str]:
        return ["--plugin", str(self.plugin_file), "--log-level", "warning"]

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of pyconnect on the same log."""
        return subprocess.run(
            [sys.executable, "-c", CALL, *words, *self.place()],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def said(self) -> str:
        """Return what the last run said on stderr."""
        return self.errors.read_text()

    def forget_flags(self) -> None:
        """Set all back, in place: a child that lives has the file's memory in use."""
        with self.flag.open("r+b") as file:
            file.write(bytes(8))

    # Time, and who is in it.

    def start_frozen(self, point: str) -> subprocess.Popen[bytes]:
        """Start a worker, and return it when its time stands still at `point:n`."""
        process = self.start(freeze=point)
        try:
            until(lambda: changed(process) is not None)
            assert changed(process) == os.CLD_STOPPED, self.said()
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process

    def thaw(self, process: subprocess.Popen[bytes]) -> int:
        """Let a frozen worker go on, and return its exit code."""
        process.send_signal(signal.SIGCONT)
        return process.wait(SECONDS)

    def until_stored(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a running worker has stored records."""
        until(lambda: self.flagged(STORED) or process.poll() is not None)
        assert process.poll() is None, self.said()

    @property
    def tried_in_vain(self) -> bool:
        """Whether a commit of the thawed worker was begun, and refused."""
        return self.flagged(THAWED) and self.flagged(REFUSED)

    # The judges.

    def numbers(self) -> Mapping[int, list[int]]:
        """Return the numbers of every partition as a reader of committed records sees them.

        Ends what a killed worker has left open, as its successor would.
        """
        ending = Producer({"bootstrap.servers": self.kafka, "transactional.id": self.slot})
        ending.init_transactions(SECONDS)
        reader = KafkaReader(self.settings)
        decode = decoder(reader)
        found: dict[int, list[int]] = {}
        for each in oracle.committed(self.kafka, self.topic):
            value = decode(each.value)
            found.setdefault(value["p"], []).append(value["n"])
        reader.close()
        return found

    def offsets(self) -> dict[int, dict[str, int]]:
        """Return the stored offsets by number of the source partition."""
        newest = oracle.newest(self.kafka, self.settings.offsets_topic)
        found = {json.loads(key)[1]["p"]: json.loads(value) for key, value in newest.items() if key}
        return dict(sorted(found.items()))

    def state(self) -> dict[int, dict[str, Any]]:
        """Return the keyed state in its topic by number of the source partition."""
        found: dict[int, dict[str, Any]] = {}
        newest = oracle.newest(self.kafka, self.settings.state_topic(self.name))
        for place, value in newest.items():
            _, partition, key = json.loads(place or b"")
            found.setdefault(partition["p"], {})[key] = json.loads(value)
        return found

    def check(self, partitions: int, at_least: int = 1) -> None:
        """Assert that nothing is lost, doubled or out of order, and that offset and state fit."""
        numbers = self.numbers()
        assert sorted(numbers) == list(range(partitions))
        for found in numbers.values():
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= at_least
        self.check_places({number: found[-1] for number, found in numbers.items()})

    def check_places(self, last: Mapping[int, int]) -> None:
        """Assert that what is stored beside the records is of the same commit as the last one."""
        if self.plugin == "keeping":
            state = self.state()
            assert {number: state[number]["n"] for number in state} == last
            assert all(rows_of(state[number]) == list(range(0, last[number], 2)) for number in last)
        else:
            assert {number: offset["n"] for number, offset in self.offsets().items()} == last

    def missing_and_doubled(self) -> tuple[int, int]:
        """Return how many numbers are missing up to each partition's highest, and doubled."""
        missing = doubled = 0
        for found in self.numbers().values():
            missing += max(found) - len(set(found))
            doubled += len(found) - len(set(found))
        return missing, doubled

    def _topics(self) -> dict[str, str]:
        return {
            "offsets.storage.topic": self.settings.offsets_topic,
            "claims.storage.topic": self.settings.claims_topic,
            "schemas.storage.topic": self.settings.schemas_topic,
        }


def rows_of(state: Mapping[str, Any]) -> list[int]:
    """Return the numbers of the rows that a partition of `keeping` has written to its state."""
    return sorted(value for key, value in state.items() if key.startswith("row|"))


def changed(process: subprocess.Popen[bytes]) -> int | None:
    """Return how a child's state has changed: CLD_STOPPED, or how it ended; None if it runs."""
    flags = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG
    found = os.waitid(os.P_PID, process.pid, flags)
    return None if found is None else found.si_code


def until(fact: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Look until a fact outside of this process holds."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)
