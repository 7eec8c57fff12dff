"""The offsets topic, hurt in every way: no start, and no restart, from zero in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.errors import OffsetError, StoreError
from connectors_core.api.store import Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore, position
from connectors_core.stores.kafka.tail import read_to_end
from tests.chaos import kafka_topics
from tests.chaos.kafka_worker import SECONDS, KafkaWorker
from tests.kafka import oracle, topic

pytestmark = pytest.mark.chaos
ENDLESS = 50_000_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", ["none", "stable-end"])
def test_a_start_waits_for_a_foreign_transaction_among_the_offsets(
    tmp_path: Path, kafka: str, bug: str
) -> None:
    """Offsets behind one are there, though no reader of committed records sees them yet.

    The control takes the last stable offset for the end, and MUST read the source twice.
    """
    worker = KafkaWorker(tmp_path, kafka, "counting", last=ENDLESS)
    offsets = worker.settings.offsets_topic
    child = worker.start()
    worker.until_stored(child)
    # It has to outlast what is done here; without the bug, the start waits for its whole time.
    milliseconds = 60_000 if bug == "stable-end" else 20_000
    with kafka_topics.open_transaction(kafka, offsets, 3, milliseconds):
        for _ in range(3):
            worker.forget_flags()
            worker.until_stored(child)
        child.kill()
        child.wait()
        worker.bug = bug
        assert oracle.open_transactions(kafka, offsets) != {}
        assert worker.run("acked:4") == -9, worker.said()
    if bug == "none":
        worker.check(partitions=3)
        return
    missing, doubled = worker.missing_and_doubled()
    assert (missing, doubled > 0) == (0, True)


def test_a_wait_for_a_foreign_transaction_says_what_it_waits_for(kafka: str) -> None:
    name = topic.unique("held")
    topic.create(kafka, name, 2)
    settings = KafkaSettings({"bootstrap.servers": kafka})
    held = r"end of partition 0 was not reached in time.*transaction"
    with (
        kafka_topics.open_transaction(kafka, name, 1, 60_000),
        pytest.raises(StoreError, match=held),
    ):
        read_to_end(settings, name, 2, {}, lambda message: None, seconds=10)
    found: list[bytes] = []
    read_to_end(settings, name, 2, {}, lambda message: found.append(message.value()))
    assert found == []


def test_a_topic_that_would_lose_offsets_is_refused_and_nothing_is_written(
    tmp_path: Path, kafka: str
) -> None:
    worker = KafkaWorker(tmp_path, kafka, "counting", policy="delete", last=10)
    assert worker.run() == 2
    assert "cleanup.policy=delete" in worker.said()
    assert "--add-config cleanup.policy=compact" in worker.said()
    assert oracle.uncommitted(kafka, worker.settings.offsets_topic) == []
    there = kafka_topics.client(kafka).list_topics(timeout=SECONDS).topics
    assert not {worker.topic, worker.settings.claims_topic} & there.keys()


def stopped_as_lost(worker: KafkaWorker, code: int) -> None:
    """Assert that a run failed because offsets are lost, and read nothing twice."""
    assert code == 1, worker.said()
    assert "(offset.lost)" in worker.said()
    assert f"pyconnect offsets reset {worker.name}" in worker.said()
    assert worker.missing_and_doubled() == (0, 0)


@pytest.mark.parametrize("anew", [False, True], ids=["gone", "made-anew"])
def test_offsets_that_were_deleted_while_the_worker_was_down_are_missed(
    tmp_path: Path, kafka: str, anew: bool
) -> None:
    worker = KafkaWorker(tmp_path, kafka, "counting", last=40)
    assert worker.run() == 0
    kafka_topics.delete(kafka, worker.settings.offsets_topic, anew=anew)
    stopped_as_lost(worker, worker.run())
    # A change is asked for, and by the word that the error named.
    reset = worker.another(tmp_path / "b").call("offsets", "reset", worker.name, "--yes")
    assert reset.returncode == 0, reset.stderr
    assert worker.run() == 0, worker.said()
    assert worker.missing_and_doubled() == (0, 120)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("anew", [False, True], ids=["gone", "made-anew"])
def test_offsets_that_are_deleted_while_the_worker_runs_are_missed(
    tmp_path: Path, kafka: str, anew: bool
) -> None:
    short = {"kafka": {"delivery.timeout.ms": 4000}, "transaction.timeout.ms": 5000}
    worker = KafkaWorker(tmp_path, kafka, "counting", last=ENDLESS, settings=short)
    child = worker.start()
    try:
        worker.until_stored(child)
        kafka_topics.delete(kafka, worker.settings.offsets_topic, anew=anew)
        code = child.wait(150)  # a commit whose end nobody answers is waited for 65 s
    finally:
        child.kill()
        child.wait()
    stopped_as_lost(worker, code)


def test_an_unreadable_offset_fails_its_task_alone_and_is_named(tmp_path: Path, kafka: str) -> None:
    options = {"tasks.max": 3, "restart.max": 1, "restart.delay.ms": 10}
    worker = KafkaWorker(tmp_path, kafka, "counting", last=40, **options)
    key = position.encoded(worker.name, '{"p":1}')
    kafka_topics.put(kafka, worker.settings.offsets_topic, 0, key, b"not JSON")
    child = worker.start()
    try:
        assert child.wait(SECONDS) == 1, worker.said()
    finally:
        child.kill()
        child.wait()
    assert '{"p":1}' in worker.said()
    assert "Traceback" not in worker.said()
    assert {p: len(found) for p, found in worker.numbers().items()} == {0: 40, 2: 40}


def test_without_a_broker_the_start_ends_soon_and_says_whom_it_asked(
    tmp_path: Path, kafka: str
) -> None:
    worker = KafkaWorker(tmp_path, kafka, "counting", last=10)
    worker.kafka = "127.0.0.1:9"
    began = time.monotonic()
    assert worker.run() == 3
    assert time.monotonic() - began < 45
    assert "127.0.0.1:9: no broker answered" in worker.said()
    assert "Check the addresses" in worker.said()


@pytest.fixture
def stores(kafka: str, tmp_path: Path) -> Iterator[tuple[KafkaStore, KafkaStore, str]]:
    """Two workers' stores on the same topics, and the name of a connector."""
    name = topic.unique("c")
    settings = KafkaSettings({"bootstrap.servers": kafka}, f"offsets-{name}")
    topic.create(kafka, settings.offsets_topic, 3, cleanup_policy="compact")
    made = [KafkaStore(settings, tmp_path / each) for each in "ab"]
    yield made[0], made[1], name
    for store in made:
        store.close()


def at(name: str, number: int) -> Transaction:
    """Return a commit of one offset."""
    return Transaction(offsets={(name, "{}"): f'{{"n":{number}}}'})


def test_an_owner_reads_the_offsets_after_he_has_fenced_the_one_before(
    stores: tuple[KafkaStore, KafkaStore, str],
) -> None:
    one, other, name = stores
    first = one.acquire(one.slot_name(name))
    first.commit(at(name, 1))
    second = other.acquire(other.slot_name(name))
    second.commit(at(name, 2))
    third = one.acquire(one.slot_name(name))
    assert third.offsets(name) == {"{}": '{"n":2}'}
    for slot in (first, second, third):
        slot.release()


@pytest.mark.parametrize("value", [b'{"n":1}', None], ids=["moved-back", "removed"])
def test_an_owner_never_goes_back_behind_what_he_has_committed(
    stores: tuple[KafkaStore, KafkaStore, str], kafka: str, value: bytes | None
) -> None:
    store, _, name = stores
    slot = store.acquire(store.slot_name(name))
    slot.commit(at(name, 2))
    offsets = store._settings.offsets_topic
    (stored,) = oracle.committed(kafka, offsets)
    kafka_topics.put(kafka, offsets, stored.partition, stored.key or b"", value)
    assert slot._session is not None
    slot._session.suspect = "said by the test"
    with pytest.raises(OffsetError, match="was committed"):
        slot.offsets(name)
    slot.release()
