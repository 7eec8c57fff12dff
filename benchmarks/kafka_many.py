"""1, 10 and 100 connectors in one worker, each with a producer and transactions of its own."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import TopicPartition

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.kafka_watch import consumer
from benchmarks.worker import Started, arguments, connector
from tests.kafka import topic

PLUGIN = Path(__file__).with_name("sources.py")
PER_SECOND = 100
OFFSETS_PARTITIONS = 25
SECONDS = 120.0


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give seconds until all have committed, what the worker holds, and commits per second."""
    seconds = 5.0 if quick else 20.0
    with brokers(folder) as cluster:
        for count in (1, 10) if quick else (1, 10, 100):
            with fresh(cluster.bootstrap, f"many{count}") as name:
                yield from _measure(folder, cluster.bootstrap, name, count, seconds)


def _measure(folder: Path, bootstrap: str, name: str, count: int, seconds: float) -> Iterator[str]:
    settings = folder / f"{name}-worker.yaml"
    settings.write_text(json.dumps({"offsets.storage.topic": f"{name}-offsets"}))
    topic.create(bootstrap, f"{name}-offsets", OFFSETS_PARTITIONS, cleanup_policy="compact")
    options = {"connector.class": "paced", "value.converter": "json", "topic": name}
    files = [
        connector(folder, f"{name}-{n}", per_second=PER_SECOND, **options) for n in range(count)
    ]
    more = ("--plugin", str(PLUGIN), "--kafka", bootstrap, "--worker", str(settings))
    with (
        Commits(bootstrap, f"{name}-offsets") as commits,
        Started(arguments(files, folder / name, *more)) as worker,
    ):
        commits.until({file.stem for file in files})
        started = time.monotonic() - worker.at
        yield f"{count} connectors: all have a committed record after {started:.2f} s"
        held = f"{worker.memory():.0f} MiB, {worker.process.num_threads()} threads"
        yield f"  {held}, {worker.process.num_fds()} descriptors"
        before = sum(worker.process.cpu_times()[:2])
        rate = commits.per_second(seconds)
        share = (sum(worker.process.cpu_times()[:2]) - before) / seconds * 100
        yield f"  at {PER_SECOND} records/s each: {rate:,.0f} commits/s, {share:.0f} % of a core"


class Commits:
    """Counts a worker's transactions by what they leave in its offsets topic: one record each."""

    def __init__(self, bootstrap: str, offsets: str) -> None:
        self._seen: Counter[str] = Counter()
        self._reader = consumer(bootstrap, "read_committed")
        self._reader.assign([TopicPartition(offsets, n, 0) for n in range(OFFSETS_PARTITIONS)])

    def __enter__(self) -> Commits:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def until(self, connectors: set[str]) -> None:
        """Wait until each of them has committed."""
        deadline = time.monotonic() + SECONDS
        while missing := connectors - self._seen.keys():
            self._read()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} connectors: no commit in {SECONDS:.0f} s.")

    def per_second(self, seconds: float) -> float:
        """Return the rate of commits over some seconds from now."""
        self._read()
        before, began = self._seen.total(), time.monotonic()
        while time.monotonic() < began + seconds:
            self._read()
        return (self._seen.total() - before) / (time.monotonic() - began)

    def _read(self) -> None:
        for message in self._reader.consume(1000, 0.05):
            if message.error() is None:
                self._seen[json.loads(message.key() or b"")[0]] += 1
