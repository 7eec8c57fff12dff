"""The longest time without a committed record when a broker, or the worker, is killed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from confluent_kafka import TopicPartition

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.kafka_watch import consumer
from benchmarks.worker import Started, arguments, connector
from tests.kafka.cluster import Cluster

PLUGIN = Path(__file__).with_name("sources.py")
PER_SECOND = 1_000
BEFORE = 5.0
"""Seconds of quiet run before each kill."""
AFTER = 20.0
"""Seconds in which the longest gap after a kill is looked for."""
SECONDS = 120.0


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give seconds as a reader of committed records sees them; medians, and the worst."""
    rounds = 1 if quick else 3
    with brokers(folder) as cluster, fresh(cluster.bootstrap, "watched") as name:
        file = connector(
            folder, name, **{"connector.class": "paced"}, per_second=PER_SECOND, topic=name
        )
        more = ("--plugin", str(PLUGIN), "--kafka", cluster.bootstrap)
        command = arguments([file], folder / "data", *more)
        with Gaps(cluster.bootstrap, name) as gaps:
            restarts = [_restart(command, gaps) for _ in range(rounds)]
            yield _line("the worker is killed and started again", restarts)
            with Started(command):
                gaps.begin()
                kills = [_kill_leader(cluster, name, gaps) for _ in range(rounds)]
            yield _line("the leader's broker is killed", kills)


def _line(what: str, found: list[float]) -> str:
    worst = max(found)
    return f"without a committed record when {what}: {median(found):.1f} s (worst {worst:.1f} s)"


def _restart(command: list[str], gaps: Gaps) -> float:
    with Started(command) as first:
        gaps.begin()
        gaps.quiet()
        first.process.kill()
        killed = time.monotonic()
    with Started(command):
        return gaps.longest(killed)


def _kill_leader(cluster: Cluster, name: str, gaps: Gaps) -> float:
    gaps.quiet()
    leader = cluster.leader(name)
    killed = time.monotonic()
    cluster.kill(leader)
    longest = gaps.longest(killed)
    cluster.restart(leader)
    cluster.until(lambda: len(cluster.isr(name)) == len(cluster.brokers), "in sync again")
    return longest


class Gaps:
    """When committed records of a topic were seen; a thread reads until the block ends."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._reader = consumer(bootstrap, "read_committed")
        self._reader.assign([TopicPartition(topic, 0, 0)])
        self._times: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Gaps:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._reader.close()

    def begin(self) -> None:
        """Forget what came until now: it was another worker's."""
        self._times = []

    def quiet(self) -> None:
        """Wait until records have come for some seconds without a break of a second."""
        deadline = time.monotonic() + SECONDS
        while True:
            now = time.monotonic()
            times = [now - BEFORE, *(at for at in self._times if at > now - BEFORE), now]
            if len(times) > 2 and _longest(times) < 1:
                return
            if now > deadline:
                raise TimeoutError(f"no records without a break in {SECONDS:.0f} s.")
            time.sleep(0.1)

    def longest(self, since: float) -> float:
        """Return the longest break that began at a moment or after it, once it is long over."""
        deadline = since + SECONDS
        while True:
            now = time.monotonic()
            times = [since, *(at for at in self._times if at > since)]
            if now > since + AFTER and now - times[-1] < 1:
                return _longest(times)
            if now > deadline:
                raise TimeoutError(f"no committed record in {SECONDS:.0f} s.")
            time.sleep(0.1)

    def _read(self) -> None:
        while not self._stop.is_set():
            found = self._reader.consume(10_000, 0.02)
            if any(message.error() is None for message in found):
                self._times.append(time.monotonic())


def _longest(times: list[float]) -> float:
    return max(after - before for before, after in itertools.pairwise(times))
