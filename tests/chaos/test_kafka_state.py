"""Keyed state on Kafka: the topic is the truth, and no copy of it is ever served that differs."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from connectors_core.api.store import Transaction
from connectors_core.stores.kafka import KafkaStore
from connectors_core.stores.kafka.slot import KafkaSlot
from tests.chaos import kafka_topics
from tests.chaos.kafka_sources import ROWS, stock
from tests.chaos.kafka_worker import HERE, KafkaWorker
from tests.kafka import oracle

pytestmark = pytest.mark.chaos
PARTITION = '{"p":0}'
POINTS = ("begin", "write", "offset", "commit", "committed")


def stocking(folder: Path, kafka: str, last: int, bug: str = "none") -> KafkaWorker:
    """Return a worker that writes a thousand rows of state with each of its records."""
    options = {"last": last, "value.converter": "json", "read.ahead.bytes": 200_000}
    return KafkaWorker(
        folder, kafka, "stocking", bug=bug, file=HERE / "kafka_sources.py", **options
    )


@contextmanager
def owner(worker: KafkaWorker, data: Path) -> Iterator[KafkaSlot]:
    """Own the worker's connector from a data directory."""
    with closing(KafkaStore(worker.settings, data)) as store:
        slot = store.acquire(store.slot_name(worker.name))
        try:
            yield slot
        finally:
            slot.release()


def copied(worker: KafkaWorker, data: Path) -> dict[str, int]:
    """Return all keyed state as an owner with this data directory is given it."""
    with owner(worker, data) as slot:
        slot.offsets(worker.name)
        rows = slot.state(worker.name, PARTITION).scan("", "", 1_000_000)
        return {key: json.loads(text) for key, text in rows}


def check(worker: KafkaWorker, folder: Path) -> int:
    """Assert that records, offset, topic and copies agree; return the last number."""
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    kept = copied(worker, worker.data)
    last = kept["n"]
    assert kept == stock(last)
    assert worker.numbers() == {0: list(range(1, last + 1))}
    assert worker.offsets() == {0: {"n": last}}
    assert worker.state() == {0: kept}
    assert copied(worker, fresh) == kept
    return last


def kill_and_check(worker: KafkaWorker, folder: Path, kills: int, seed: int) -> None:
    """Kill at points of commits by chance; look with the data directory that was there, and none."""
    chance = random.Random(seed)
    for kill in range(kills):
        point = f"{POINTS[(kill + seed) % len(POINTS)]}:{chance.randrange(4, 12)}"
        assert worker.run(point) == -9, worker.said()
        check(worker, folder)
    assert worker.run() == 0, worker.said()


def test_copies_of_state_equal_their_topic_after_every_kill(tmp_path: Path, kafka: str) -> None:
    worker = stocking(tmp_path, kafka, last=25)
    kill_and_check(worker, tmp_path, kills=2, seed=3)
    assert check(worker, tmp_path) == 25


@pytest.mark.timeout(600)
def test_copies_of_a_hundred_thousand_rows_equal_their_topic_after_every_kill(
    tmp_path: Path, kafka: str
) -> None:
    worker = stocking(tmp_path, kafka, last=111)
    kill_and_check(worker, tmp_path, kills=5, seed=0)
    assert check(worker, tmp_path) == 111
    assert len(stock(111)) > 100_000


@pytest.mark.parametrize("bug", ["none", "state-first"])
def test_a_copy_that_is_ahead_of_its_topic_is_seen(tmp_path: Path, kafka: str, bug: str) -> None:
    """The control: state that is put into the copy before its transaction has ended."""
    worker = stocking(tmp_path, kafka, last=50, bug=bug)
    assert worker.run("commit:3") == -9, worker.said()
    if bug == "none":
        check(worker, tmp_path)
        return
    with pytest.raises(AssertionError):
        check(worker, tmp_path)


@pytest.fixture
def done(tmp_path: Path, kafka: str) -> KafkaWorker:
    """A worker that has ended: a few thousand rows, and a copy of them."""
    worker = stocking(tmp_path, kafka, last=4)
    assert worker.run() == 0, worker.said()
    assert copied(worker, worker.data) == stock(4)
    return worker


def copy_of(worker: KafkaWorker) -> Path:
    """Return the file of the copy."""
    return worker.data / "state" / f"{worker.name}.db"


def change(worker: KafkaWorker, sql: str) -> None:
    """Change the copy behind its owner's back."""
    with closing(sqlite3.connect(copy_of(worker), isolation_level=None)) as connection:
        assert connection.execute(sql).rowcount > 0


ANCIENT = "UPDATE copied SET at = at - 13 * 3600"
RISEN = "UPDATE state SET key = 'risen' WHERE key = 'row|0004|0001'"


def test_a_copy_older_than_the_marks_of_deletions_is_made_anew(done: KafkaWorker) -> None:
    """A key whose deletion the broker has forgotten meanwhile MUST not rise again."""
    change(done, RISEN)
    assert copied(done, done.data) != stock(4), "without its age the copy is trusted"
    change(done, ANCIENT)
    assert copied(done, done.data) == stock(4)


@pytest.mark.parametrize("hurt", ["UPDATE copied SET topic = 'another'", "DELETE FROM copied"])
def test_a_copy_of_another_topic_or_of_no_known_age_is_made_anew(
    done: KafkaWorker, hurt: str
) -> None:
    change(done, RISEN)
    change(done, hurt)
    assert copied(done, done.data) == stock(4)


@pytest.mark.parametrize("left", [b"", b"no database", None], ids=["empty", "other", "halved"])
def test_a_copy_that_is_damaged_is_made_anew(done: KafkaWorker, left: bytes | None) -> None:
    file = copy_of(done)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if left is None else left)
    assert copied(done, done.data) == stock(4)


def test_deletions_by_another_worker_are_missing_from_a_copy_that_was_behind(
    done: KafkaWorker, tmp_path: Path
) -> None:
    with owner(done, tmp_path / "other") as slot:
        gone: dict[str, str | None] = {f"row|0004|{row:04d}": None for row in range(ROWS)}
        slot.commit(Transaction(state={(done.name, PARTITION): gone}))
    left = {key: value for key, value in stock(4).items() if key not in gone}
    assert copied(done, done.data) == left
    assert done.state() == {0: left}


def test_state_whose_topic_was_deleted_is_missed(done: KafkaWorker, kafka: str) -> None:
    kafka_topics.delete(kafka, done.settings.state_topic(done.name))
    before = len(oracle.committed(kafka, done.topic))
    assert done.run() == 1
    assert "(offset.lost)" in done.said()
    assert len(oracle.committed(kafka, done.topic)) == before
