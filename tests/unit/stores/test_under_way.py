"""What the others may do while a commit is under way, in both stores of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.errors import FencedError
from connectors_core.api.store import Slot, Store, Transaction
from connectors_core.stores.embedded import EmbeddedStore
from connectors_core.stores.memory import MemoryStore


class Gate:
    """Stops one commit at a crash point until it is opened."""

    def __init__(self) -> None:
        self.point = ""
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.reached.set()
            assert self.opened.wait(30)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path, gate: Gate) -> Iterator[Store]:
    path = tmp_path / "data" / "log.db"
    memory = request.param == "memory"
    store: Store = MemoryStore(crash=gate) if memory else EmbeddedStore(path, crash=gate)
    yield store
    store.close()


def transaction(number: int) -> Transaction:
    return Transaction(
        rows={("t", 0): [(None, b"%d" % number, 0, ())]},
        offsets={("c", "{}"): f'{{"n":{number}}}'},
        state={("c", "{}"): {"n": str(number)}},
    )


@pytest.fixture
def under_way(store: Store, gate: Gate) -> Iterator[tuple[Slot, threading.Thread]]:
    """A slot that committed 1 and stands in the commit of 2."""
    slot = store.acquire(store.slot_name("c"))
    slot.commit(transaction(1))
    gate.point = "commit"
    thread = threading.Thread(target=slot.commit, args=(transaction(2),))
    thread.start()
    assert gate.reached.wait(30)
    yield slot, thread
    gate.opened.set()
    thread.join()


def test_state_and_log_are_read_without_waiting_for_the_commit(
    store: Store, gate: Gate, under_way: tuple[Slot, threading.Thread]
) -> None:
    slot, thread = under_way
    state, reader = slot.state("c", "{}"), store.reader()
    assert state.get_many(["n"]) == {"n": "1"}
    assert state.scan("", "", 10) == [("n", "1")]
    assert [record.value for record in reader.read("t", 0, 0)] == [b"1"]
    assert list(reader.offsets()) == [("c", "{}", '{"n":1}')]
    assert thread.is_alive()
    gate.opened.set()
    thread.join()
    assert state.get_many(["n"]) == {"n": "2"}
    assert [record.value for record in reader.read("t", 0, 0)] == [b"1", b"2"]
    reader.close()


def test_offsets_wait_for_the_commit(gate: Gate, under_way: tuple[Slot, threading.Thread]) -> None:
    slot, _ = under_way
    found: list[dict[str, str]] = []
    waiting = threading.Thread(target=lambda: found.append(slot.offsets("c")))
    waiting.start()
    waiting.join(0.05)
    assert not found
    gate.opened.set()
    waiting.join()
    assert found == [{"{}": '{"n":2}'}]


def test_a_new_owner_waits_for_the_commit_of_the_older_and_then_sees_it(
    store: Store, gate: Gate, under_way: tuple[Slot, threading.Thread]
) -> None:
    older, thread = under_way
    newer: list[Slot] = []
    waiting = threading.Thread(target=lambda: newer.append(store.acquire(store.slot_name("c"))))
    waiting.start()
    waiting.join(0.05)
    assert not newer
    gate.opened.set()
    waiting.join()
    thread.join()
    assert newer[0].offsets("c") == {"{}": '{"n":2}'}
    with pytest.raises(FencedError):
        older.commit(transaction(3))


def test_release_does_not_wait_and_the_commit_is_finished(
    store: Store, gate: Gate, under_way: tuple[Slot, threading.Thread]
) -> None:
    slot, thread = under_way
    slot.release()
    assert thread.is_alive()
    gate.opened.set()
    thread.join()
    assert slot.offsets("c") == {"{}": '{"n":2}'}


def test_close_waits_for_the_commit(
    store: Store, gate: Gate, under_way: tuple[Slot, threading.Thread]
) -> None:
    _, thread = under_way
    reader = store.reader()
    closing = threading.Thread(target=store.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    gate.opened.set()
    thread.join()
    closing.join()
    assert [record.value for record in reader.read("t", 0, 0)] == [b"1", b"2"]
    reader.close()
