"""Owners of a slot on a real broker: what each may do, and what it is told."""

from __future__ import annotations

import gc
import math
import random
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from connectors_core.api.errors import (
    ConfigError,
    DataError,
    FencedError,
    OffsetError,
    StoreError,
    StoreUnreachable,
)
from connectors_core.api.store import Row, TopicSpec, Transaction
from connectors_core.stores.kafka import (
    KafkaSettings,
    KafkaStore,
    ProducerOptions,
    session,
    slot,
    state,
)
from connectors_core.stores.kafka.session import Acknowledgements, Transactions
from connectors_core.stores.kafka.topics import Topics
from tests.chaos import kafka_topics
from tests.kafka import oracle, topic

PART, OTHER = '{"p":1}', '{"p":2}'
Open = Callable[..., KafkaStore]


def at(number: int) -> str:
    return f'{{"n":{number}}}'


@pytest.fixture
def name() -> str:
    return topic.unique("c")


@pytest.fixture
def opened(kafka: str, tmp_path: Path) -> Iterator[Open]:
    """Open a worker's store: its own data dir, its own connections."""
    stores: list[KafkaStore] = []

    def open_store(
        exactly_once: bool = True,
        *,
        only: str = "",
        client: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> KafkaStore:
        made = KafkaSettings({"bootstrap.servers": kafka, **(client or {})}, **settings)
        producers = {only: ProducerOptions(exactly_once)}
        stores.append(KafkaStore(made, tmp_path / str(len(stores)), producers))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def test_a_copy_that_was_not_read_to_its_end_is_never_the_truth(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened()
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(state={(name, PART): {"total": "20"}}, offsets={(name, PART): at(1)}))
    one.release()
    read, failing = state.read_to_end, [True]

    def cut(settings: Any, topic: str, *given: Any) -> None:
        if failing and "-state-" in topic:
            failing.clear()
            raise StoreUnreachable("cut")
        read(settings, topic, *given)

    monkeypatch.setattr(state, "read_to_end", cut)
    second = opened()
    two = second.acquire(second.slot_name(name))
    with pytest.raises(StoreUnreachable):
        two.offsets(name)
    assert two.offsets(name) == {PART: at(1)}
    assert two.state(name, PART).get_many(["total"]) == {"total": "20"}
    two.release()


def test_a_copy_that_is_lost_is_an_error_and_not_no_state(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened()
    one = store.acquire(store.slot_name(name))
    one.commit(Transaction(state={(name, PART): {"k": "1"}}))
    whole = state.StateCopy.apply

    def full(self: Any, changes: Any) -> None:
        raise StoreUnreachable("disk full")

    monkeypatch.setattr(state.StateCopy, "apply", full)
    with pytest.raises(StoreUnreachable):
        one.commit(Transaction(state={(name, PART): {"k": "2"}}))
    with pytest.raises(StoreError):
        one.state(name, PART).get_many(["k"])
    monkeypatch.setattr(state.StateCopy, "apply", whole)
    one.offsets(name)
    assert one.state(name, PART).get_many(["k"]) == {"k": "2"}  # it was committed
    one.release()


def test_without_transactions_no_offset_moves_before_its_state(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(exactly_once=False, only=name)
    one = store.acquire(store.slot_name(name))
    one.commit(Transaction(state={(name, PART): {"k": "1"}}, offsets={(name, PART): at(1)}))
    produce = Acknowledgements.produce

    def lost(self: Any, topic: str, partition: int, rows: Any) -> None:
        if "-state-" in topic:
            # The broker refuses it: a compacted topic needs keys.
            rows = [(None, *row[1:]) for row in rows]
        produce(self, topic, partition, rows)

    monkeypatch.setattr(Acknowledgements, "produce", lost)
    with pytest.raises(DataError):
        one.commit(Transaction(state={(name, PART): {"k": "2"}}, offsets={(name, PART): at(2)}))
    monkeypatch.setattr(Acknowledgements, "produce", produce)
    assert one.offsets(name) == {PART: at(1)}
    one.release()


def test_a_successor_without_transactions_fences_an_owner_with_them(
    opened: Open, name: str
) -> None:
    first, second = opened(), opened(exactly_once=False, only=name)
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1)}))
    two = second.acquire(second.slot_name(name))
    with pytest.raises(FencedError):
        one.commit(Transaction(offsets={(name, PART): at(9)}))
    two.commit(Transaction(offsets={(name, PART): at(2)}))
    assert two.offsets(name) == {PART: at(2)}
    one.release()
    two.release()


def test_an_owner_without_transactions_looks_whether_it_still_is_one(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot, "CLAIM_SECONDS", 0.0)
    first, second = opened(exactly_once=False, only=name), opened(exactly_once=False, only=name)
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1)}))
    two = second.acquire(second.slot_name(name))
    with pytest.raises(FencedError):
        one.commit(Transaction(offsets={(name, PART): at(9)}))
    assert two.offsets(name) == {PART: at(1)}
    one.release()
    two.release()


def test_a_reset_outlasts_an_owner_that_nothing_fences(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, tool = opened(exactly_once=False, only=name), opened()
    one = store.acquire(store.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1)}))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds > slot.CLAIM_SECONDS:
            slept.append(seconds)
            one._claimed_at = math.inf  # it has looked just now, however long this took
            one.commit(Transaction(offsets={(name, PART): at(2)}))  # it does not know yet

    monkeypatch.setattr(slot.time, "sleep", sleep)
    assert tool.reset(name) == 1
    assert slept
    fresh = tool.acquire(tool.slot_name(name))
    assert fresh.offsets(name) == {}
    fresh.release()
    one.release()


def test_an_older_owner_never_claims_again(opened: Open, name: str) -> None:
    first, second = opened(), opened()
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1)}))
    two = second.acquire(second.slot_name(name))
    with pytest.raises(FencedError):  # its first state: it would have to claim for the new topic
        one.commit(Transaction(state={(name, PART): {"k": "1"}}, offsets={(name, PART): at(9)}))
    two.commit(Transaction(offsets={(name, PART): at(2)}))
    assert two.offsets(name) == {PART: at(2)}
    one.release()
    two.release()


def test_connectors_of_one_name_with_offsets_in_other_topics_share_nothing(
    opened: Open, name: str
) -> None:
    """Though their claims are in one topic."""
    offsets = [topic.unique("offsets") for _ in range(2)]
    stores = [opened(offsets_topic=each) for each in offsets]
    slots = [store.acquire(store.slot_name(name)) for store in stores]
    for number in range(1, 4):
        for each in slots:
            assert each._session is not None
            each._session.suspect = "said by the test"  # so it looks at its claim before it goes on
            each.commit(Transaction(offsets={(name, PART): at(number)}))
    for store, each in zip(stores, slots, strict=True):
        assert each.offsets(name) == {PART: at(3)}
        each.release()
        again = store.acquire(store.slot_name(name))
        assert again.offsets(name) == {PART: at(3)}
        again.release()


def test_offsets_whose_deletions_are_soon_gone_are_refused_at_the_start(
    opened: Open, name: str, kafka: str
) -> None:
    offsets = topic.unique("offsets")
    topic.create(kafka, offsets, cleanup_policy="compact", delete_retention_ms=3_600_000)
    with pytest.raises(ConfigError, match=r"delete\.retention\.ms=3600000") as caught:
        opened(offsets_topic=offsets)
    assert (caught.value.code, caught.value.place) == ("kafka.deletions", offsets)


def test_state_whose_deletions_are_soon_gone_is_refused_at_every_start(
    opened: Open, name: str, kafka: str
) -> None:
    """A copy of it may be trusted for half a day."""
    first = opened()
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(state={(name, PART): {"k": "1"}}, offsets={(name, PART): at(1)}))
    one.release()
    kafka_topics.alter(kafka, f"pyconnect-offsets-state-{name}", "delete.retention.ms", 60_000)
    second = opened()
    two = second.acquire(second.slot_name(name))
    with pytest.raises(ConfigError, match=r"delete\.retention\.ms=60000"):
        two.offsets(name)
    two.release()


def test_a_topic_of_ours_is_asked_for_its_settings_once(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Topics.configuration

    def counted(self: Topics, name: str) -> dict[str, str]:
        asked.append(name)
        return ask(self, name)

    monkeypatch.setattr(Topics, "configuration", counted)
    opened()
    assert sorted(asked) == ["pyconnect-claims", "pyconnect-offsets", "pyconnect-schemas"]


@pytest.fixture(params=["seen", "not seen"])
def broken_before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction broke before the last look at its producer, or right after it."""
    if request.param == "not seen":
        monkeypatch.setattr(Transactions, "listen", lambda _: None)


@pytest.mark.usefixtures("broken_before")
def test_what_broke_a_staged_transaction_is_said_and_not_that_it_is_broken(
    opened: Open, name: str, kafka: str
) -> None:
    store = opened()
    topic.create(kafka, name, max_message_bytes=1500)  # nobody asked for its limits
    one = store.acquire(store.slot_name(name))
    large: list[Row] = [(None, random.randbytes(3000), None, ())]
    one.stage(Transaction(rows={(name, 0): large}, offsets={(name, PART): at(1)}))
    time.sleep(1)
    more: list[Row] = [*large, (None, b"more", None, ())]
    with pytest.raises(DataError, match=rf"a record for the topic {name} was refused"):
        one.commit(Transaction(rows={(name, 0): more}, offsets={(name, PART): at(2)}))
    assert one.offsets(name) == {}
    one.release()


@pytest.mark.usefixtures("broken_before")
def test_an_owner_that_was_fenced_while_it_staged_is_told_so(
    opened: Open, name: str, kafka: str
) -> None:
    store, other = opened(), opened()
    topic.create(kafka, name)
    one = store.acquire(store.slot_name(name))
    rows: list[Row] = [(None, b"staged", None, ())]
    one.stage(Transaction(rows={(name, 0): rows}, offsets={(name, PART): at(1)}))
    two = other.acquire(other.slot_name(name))
    time.sleep(1)
    more: list[Row] = [*rows, *[(None, b"more", None, ())] * 10]
    with pytest.raises(FencedError, match="was taken over"):
        one.commit(Transaction(rows={(name, 0): more}, offsets={(name, PART): at(2)}))
    assert two.offsets(name) == {}
    one.release()
    two.release()


class WatchedProducer(Producer):
    """A producer that a weak reference may point to."""


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Producer]]:
    """The producers of the sessions that are made from now on."""
    made: list[weakref.ref[Producer]] = []

    def producer(properties: dict[str, Any], _: Any) -> Producer:
        made.append(weakref.ref(one := WatchedProducer(properties)))
        return one

    monkeypatch.setattr(session, "producer", producer)
    return made


@pytest.mark.parametrize("exactly_once", [True, False])
def test_an_error_that_somebody_keeps_does_not_keep_the_producer(
    opened: Open,
    name: str,
    kafka: str,
    exactly_once: bool,
    producers: list[weakref.ref[Producer]],
) -> None:
    store = opened(exactly_once, only=name, client={"message.max.bytes": "2000"})
    topic.create(kafka, name)
    one = store.acquire(store.slot_name(name))
    assert any(each() is not None for each in producers)
    gc.disable()
    try:
        with pytest.raises(DataError) as kept:
            one.commit(Transaction(rows={(name, 0): [(None, random.randbytes(3000), None, ())]}))
        assert all(each() is None for each in producers), kept
    finally:
        gc.enable()
    one.release()


def test_a_topic_that_takes_little_gets_small_batches(opened: Open, name: str, kafka: str) -> None:
    store = opened()
    one = store.acquire(store.slot_name(name))
    store.ensure_topics([TopicSpec(name, 1, settings={"max.message.bytes": "50000"})])
    assert store.limits(name).record_bytes < 50_000
    rows = [(None, random.randbytes(1000), None, ()) for _ in range(500)]
    one.commit(Transaction(rows={(name, 0): rows}))
    assert [row.value for row in oracle.committed(kafka, name)] == [row[1] for row in rows]
    one.release()


def test_offsets_that_are_gone_are_never_a_start_from_the_beginning(
    opened: Open, name: str, kafka: str
) -> None:
    offsets = topic.unique("offsets")
    first = opened(offsets_topic=offsets)
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1), (name, OTHER): at(200)}))
    one.release()
    delete(kafka, offsets)
    second = opened(offsets_topic=offsets)
    with pytest.raises(OffsetError, match="pyconnect offsets reset"):
        second.acquire(second.slot_name(name))
    with pytest.raises(OffsetError):  # one partition's offset says nothing of the others
        second.set_offset(name, PART, at(1))
    with pytest.raises(OffsetError):
        second.reset(name, PART)
    assert second.reset(name) == 0
    again = second.acquire(second.slot_name(name))
    assert again.offsets(name) == {}
    again.release()


def test_a_commit_that_can_not_begin_leaves_no_transaction_open(
    opened: Open, name: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what it has staged would hold back every reader until it times out."""
    store = opened()
    one = store.acquire(store.slot_name(name))
    first = Transaction(rows={(name, 0): [(None, b"1", None, ())]}, offsets={(name, PART): at(1)})
    assert one._session is not None
    one._session.suspect = ""  # of a slow machine, for one: then nothing is staged
    one.stage(first)
    assert one._staged is not None

    def gone(names: set[str]) -> None:
        raise StoreError("the topic was deleted")

    with monkeypatch.context() as patch:
        patch.setattr(store._cluster, "require_topics", gone)
        with pytest.raises(StoreError):
            one.commit(first)
    assert one._session is None
    assert list(oracle.committed(kafka, name)) == []
    assert one.offsets(name) == {}
    one.commit(first)
    assert [row.value for row in oracle.committed(kafka, name)] == [b"1"]
    one.release()


def test_state_that_a_broker_has_not_heard_of_is_an_error_and_not_no_state(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened()
    one = first.acquire(first.slot_name(name))
    one.commit(Transaction(state={(name, PART): {"k": "1"}}, offsets={(name, PART): at(1)}))
    one.release()
    second = opened()
    two = second.acquire(second.slot_name(name))
    with monkeypatch.context() as patch:
        patch.setattr(second._cluster.topics, "partitions", lambda topic: 0)
        with pytest.raises(StoreUnreachable, match="has not heard of it"):
            two.offsets(name)
    assert two.offsets(name) == {PART: at(1)}
    assert two.state(name, PART).get_many(["k"]) == {"k": "1"}
    two.release()


def test_state_is_claimed_though_the_first_try_failed(
    opened: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its topic could be deleted, and the next owner would take that for no state."""
    store = opened()
    one = store.acquire(store.slot_name(name))
    change = Transaction(state={(name, PART): {"k": "1"}}, offsets={(name, PART): at(1)})

    def unheard(connector: str, claim: Any) -> None:
        raise StoreUnreachable("cut")

    with monkeypatch.context() as patch:
        patch.setattr(store._cluster.claims, "make", unheard)
        with pytest.raises(StoreUnreachable):
            one.commit(change)
    one.commit(change)
    claim = store._cluster.claims.newest(name)
    assert claim is not None
    assert f"pyconnect-offsets-state-{name}" in claim.topics
    one.release()


def test_a_reset_makes_no_state_for_a_connector_that_has_none(opened: Open, name: str) -> None:
    store = opened()
    one = store.acquire(store.slot_name(name))
    one.commit(Transaction(offsets={(name, PART): at(1)}))
    one.release()
    assert store.reset(name) == 1
    assert store._cluster.topics.partitions(f"pyconnect-offsets-state-{name}") == 0


def test_an_owner_whose_topics_were_made_anew_by_its_successor_yields_to_it(
    opened: Open, name: str, kafka: str
) -> None:
    """FENCED is what a restart cures; the offsets it then reads are those of the new topic."""
    offsets = topic.unique("offsets")
    first = opened(offsets_topic=offsets)
    one = first.acquire(first.slot_name(name))
    for number in range(1, 6):
        one.commit(Transaction(offsets={(name, PART): at(number)}))
    first._cluster.offsets.catch_up()  # it is at a place now that the new topic has not
    delete(kafka, offsets)
    second = opened(offsets_topic=offsets)
    assert second.reset(name) == 0
    one._looked_at = 0.0  # or it would look at its topics only after ten seconds
    with pytest.raises(FencedError):
        one.commit(Transaction(offsets={(name, PART): at(6)}))
    one.release()
    again = first.acquire(first.slot_name(name))
    assert again.offsets(name) == {}
    again.release()


def test_a_topic_made_anew_with_fewer_partitions_is_told_of(
    opened: Open, name: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client would only say that a record failed, and try that again for ever."""
    store = opened(transaction_timeout_ms=10_000)
    store.ensure_topics([TopicSpec(name, 2)])
    one = store.acquire(store.slot_name(name))
    row: Row = (None, b"1", None, ())
    one.commit(Transaction(rows={(name, 1): [row]}))
    monkeypatch.setattr(session, "GRACE_SECONDS", 0.0)
    delete(kafka, name)
    topic.create(kafka, name, 1)
    with pytest.raises(StoreError):
        one.commit(Transaction(rows={(name, 1): [row]}))
    with pytest.raises(StoreError, match="1 partitions now, and had 2") as caught:
        one.commit(Transaction(rows={(name, 1): [row]}))
    assert (caught.value.code, caught.value.place) == ("kafka.partitions", name)
    assert not isinstance(caught.value, StoreUnreachable)
    one.release()


def delete(kafka: str, name: str) -> None:
    """Delete a topic, and wait until the brokers know it no more."""
    client = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
    client.delete_topics([name])[name].result(30)
    deadline = time.monotonic() + 30
    while name in client.list_topics(timeout=5).topics:
        assert time.monotonic() < deadline
        time.sleep(0.05)
