"""Invariant 7 on Kafka: `kill -9` at any instant loses nothing, doubles nothing, keeps the order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors_core.runtime.crash import POINTS
from connectors_core.stores.kafka import KafkaStore
from tests.chaos.kafka_child import INSIDE, STAGED, STORED
from tests.chaos.kafka_worker import KafkaWorker

pytestmark = pytest.mark.slow
SOURCES = ["counting", "plain-counting", "keeping"]
ENDLESS = 50_000_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "source",
    ["counting", *(pytest.param(each, marks=pytest.mark.chaos) for each in SOURCES[1:])],
)
def test_a_crash_at_every_named_point_is_survived(tmp_path: Path, kafka: str, source: str) -> None:
    worker = KafkaWorker(tmp_path, kafka, source, last=2501)
    for point in POINTS:
        assert worker.run(f"{point}:4") == -9, f"{point}:4 was not reached: {worker.said()}"
        if worker.flagged(STORED):
            worker.check(partitions=3)
    assert worker.run() == 0, worker.said()
    worker.check(partitions=3, at_least=2501)
    if source == "keeping":
        # The judge has compared the topic with the records; this is what a worker is given.
        assert worker_s_state(worker, tmp_path / "data") == worker.state()
        assert worker_s_state(worker, tmp_path / "fresh") == worker.state()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", ["claim:1", "fence:1", "stage:4", "stage:4:200"])
def test_a_crash_that_only_a_cluster_has_is_survived(
    tmp_path: Path, kafka: str, point: str
) -> None:
    """While a slot is taken over, by the first worker and by one after it; and ahead of a commit."""
    paced = {"commit.linger.ms": 50, "burst": 1, "wait": 0.005}
    worker = KafkaWorker(tmp_path, kafka, "counting", last=ENDLESS, **paced)
    for arrival in (point, "committed:4", point):
        assert worker.run(arrival) == -9, f"{arrival} was not reached: {worker.said()}"
    worker.check(partitions=3)


def worker_s_state(worker: KafkaWorker, data: Path) -> dict[int, dict[str, Any]]:
    """Return all keyed state as an owner with this data directory reads it."""
    store = KafkaStore(worker.settings, data)
    slot = store.acquire(store.slot_name(worker.name))
    try:
        found = {}
        for key in slot.keys(worker.name):
            rows = slot.state(worker.name, key).scan("", "", 1_000_000)
            found[int(json.loads(key)["p"])] = {name: json.loads(text) for name, text in rows}
        return found
    finally:
        slot.release()
        store.close()


@pytest.mark.timeout(600)
def test_twenty_random_kills_are_survived(tmp_path: Path, kafka: str) -> None:
    workers = [KafkaWorker(tmp_path / each, kafka, each, last=ENDLESS) for each in SOURCES]
    for seed in range(20):
        workers[seed % 3].kill_at_random(1, seed, aim=None if seed % 4 else INSIDE)
    for worker in workers:
        worker.check(partitions=3)
    aimed = sum(worker.aimed for worker in workers)
    assert sum(worker.inside_commit for worker in workers) >= aimed == 5


@pytest.mark.timeout(600)
@pytest.mark.parametrize("source", ["counting", "keeping"])
def test_kills_between_the_first_rows_of_a_commit_and_its_end_are_survived(
    tmp_path: Path, kafka: str, source: str
) -> None:
    paced = {"commit.linger.ms": 50, "burst": 1, "wait": 0.005}
    worker = KafkaWorker(tmp_path, kafka, source, last=ENDLESS, **paced)
    assert worker.run("begin:4") == -9
    worker.kill_at_random(6, seed=3, aim=STAGED, every=1)
    worker.check(partitions=3)
    assert worker.staged == 6


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("linger", [0, 50])
def test_two_hundred_random_kills_are_survived(
    tmp_path: Path, kafka: str, source: str, linger: int
) -> None:
    worker = KafkaWorker(
        tmp_path,
        kafka,
        source,
        last=ENDLESS,
        **{"commit.linger.ms": linger, "value.converter": "json"},
    )
    kills = 22 if linger else 45
    worker.kill_at_random(kills, seed=linger, aim=INSIDE)
    worker.check(partitions=3)
    assert worker.inside_commit >= worker.aimed > kills / 4


@pytest.mark.parametrize(
    "source",
    ["counting", *(pytest.param(each, marks=pytest.mark.chaos) for each in SOURCES[1:])],
)
def test_at_least_once_loses_nothing_and_the_judge_sees_what_it_doubles(
    tmp_path: Path, kafka: str, source: str
) -> None:
    """A kill between records and offset MUST double some; one anywhere MUST lose none.

    The client sends offsets late here, or a slow machine is killed only after they are stored.
    """
    options = {"exactly.once": False, "producer.override": {"linger.ms": 1000}}
    worker = KafkaWorker(tmp_path, kafka, source, last=ENDLESS, **options)
    assert worker.run("offset:4") == -9
    worker.kill_at_random(3, seed=7)
    missing, doubled = worker.missing_and_doubled()
    assert missing == 0
    if source == "keeping":
        return  # its numbers come from the state, which is stored by then
    assert doubled > 0
    with pytest.raises(AssertionError):
        worker.check(partitions=3)


def test_a_run_that_ends_before_its_crash_is_seen(tmp_path: Path, kafka: str) -> None:
    """The harness itself: a point that is never reached does not count as a kill."""
    worker = KafkaWorker(tmp_path, kafka, "counting", last=4, partitions=1)
    assert worker.run("begin:1000") == 0
    worker.check(partitions=1, at_least=4)


@pytest.mark.parametrize("fault", [[1, 2, 4], [1, 2, 2, 3], [2, 1, 3]])
def test_the_judge_sees_what_is_lost_doubled_and_swapped(
    tmp_path: Path, kafka: str, fault: list[int]
) -> None:
    worker = KafkaWorker(tmp_path, kafka, "counting", last=4, partitions=1)
    worker.numbers = lambda: {0: fault}  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        worker.check(partitions=1)


@pytest.mark.parametrize("bug", ["none", "offsets-outside"])
def test_offsets_outside_of_their_transaction_are_seen(
    tmp_path: Path, kafka: str, bug: str
) -> None:
    """The control of the kill loops, beside the same kills without the bug."""
    worker = KafkaWorker(tmp_path, kafka, "counting", bug=bug, last=ENDLESS)
    for _ in range(2):
        assert worker.run("commit:4") == -9, worker.said()
    if bug == "none":
        worker.check(partitions=3)
        return
    with pytest.raises(AssertionError):
        worker.check(partitions=3)
