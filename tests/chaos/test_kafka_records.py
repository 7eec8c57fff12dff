"""Records and topics that a cluster does not take: said at once, with nothing torn."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.api.store import Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore, session
from tests.chaos import kafka_topics
from tests.chaos.kafka_worker import HERE, SECONDS, KafkaWorker
from tests.kafka import oracle, topic

pytestmark = pytest.mark.chaos
ENDLESS = 50_000_000


def padded(folder: Path, kafka: str, **options: Any) -> KafkaWorker:
    """Return a worker of records of 2000 bytes."""
    given = {"padding": 2000, "value.converter": "json", **options}
    return KafkaWorker(folder, kafka, "padded", file=HERE / "kafka_sources.py", **given)


def test_a_record_that_is_too_large_fails_its_task_before_its_unit_is_committed(
    tmp_path: Path, kafka: str
) -> None:
    worker = padded(tmp_path, kafka, last=20, every=7)
    topic.create(kafka, worker.topic, max_message_bytes=1500)
    assert worker.run() == 1
    assert "(data.too-large)" in worker.said()
    assert worker.numbers() == {0: [1, 2, 3, 4, 5, 6]}
    assert worker.offsets() == {0: {"n": 6}}


def test_a_record_that_is_too_large_goes_to_dead_letters_in_the_same_transaction(
    tmp_path: Path, kafka: str
) -> None:
    """Killed amid every commit in turn: each number is delivered or a dead letter, once."""
    worker = padded(tmp_path, kafka, last=28, every=7, **{"errors.tolerance": "all"})
    topic.create(kafka, worker.topic, max_message_bytes=1500)
    for point in ("write:1", "commit:1", "committed:1"):
        worker.run(point)
    assert worker.run() == 0, worker.said()
    assert worker.numbers() == {0: [n for n in range(1, 29) if n % 7]}
    assert worker.offsets() == {0: {"n": 28}}
    dead = oracle.committed(kafka, f"{worker.name}-dlq")
    assert [json.loads(each.value or b"")["n"] for each in dead] == [7, 14, 21, 28]


def test_a_record_that_a_broker_refuses_fails_its_task_once_and_names_the_topic(
    tmp_path: Path, kafka: str
) -> None:
    """The limit is lowered while the worker runs: it was asked for before, and let them through."""
    worker = padded(tmp_path, kafka, last=ENDLESS)
    child = worker.start()
    try:
        worker.until_stored(child)
        kafka_topics.alter(kafka, worker.topic, "max.message.bytes", 1000)
        assert child.wait(SECONDS) == 1
    finally:
        child.kill()
        child.wait()
    assert f"a record for the topic {worker.topic} was refused" in worker.said()
    assert "(data.refused)" in worker.said()
    assert "restarted" not in worker.said()
    worker.check(partitions=1)


@pytest.fixture
def reached() -> list[str]:
    """What the commits of the store have reached, point by point."""
    return []


@pytest.fixture
def store(kafka: str, tmp_path: Path, reached: list[str]) -> Any:
    """A store with short times."""
    settings = KafkaSettings(
        {"bootstrap.servers": kafka, "delivery.timeout.ms": "4000"},
        f"offsets-{tmp_path.name}",
        transaction_timeout_ms=5000,
    )
    topic.create(kafka, settings.offsets_topic, 3, cleanup_policy="compact")
    store = KafkaStore(settings, tmp_path, crash=reached.append)
    yield store
    store.close()
    kafka_topics.delete(kafka, settings.offsets_topic)


def one_record(name: str) -> Transaction:
    """Return a commit of one record."""
    return Transaction(rows={(name, 0): [(None, b"value", None, ())]})


def test_a_topic_that_is_unknown_is_made_at_once(store: KafkaStore) -> None:
    """Where the brokers make none by themselves, a producer would wait for it for 30 s."""
    slot = store.acquire(store.slot_name(topic.unique("c")))
    began = time.monotonic()
    slot.commit(one_record(topic.unique("unknown")))
    assert time.monotonic() - began < 10
    slot.release()


def test_a_topic_that_is_deleted_under_a_worker_is_named_and_not_waited_for_again(
    store: KafkaStore, kafka: str, reached: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GRACE_SECONDS", 5.0)
    name = topic.unique("deleted")
    slot = store.acquire(store.slot_name(topic.unique("c")))
    slot.commit(one_record(name))
    kafka_topics.delete(kafka, name)
    with pytest.raises(StoreError):
        slot.commit(one_record(name))
    assert "begin" in reached
    reached.clear()
    with pytest.raises(StoreError, match=f"{name}: the topic was deleted"):
        slot.commit(one_record(name))
    assert "begin" not in reached, "only what has begun can wait for the topic"
    topic.create(kafka, name)
    slot.commit(one_record(name))
    assert len(oracle.committed(kafka, name)) == 1
    slot.release()
