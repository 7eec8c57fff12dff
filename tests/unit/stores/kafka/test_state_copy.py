"""The local copy of keyed state: it can always be thrown away, and never lies meanwhile."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.stores.kafka import state
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.state import FRESH_SECONDS, StateCopy, encoded

PART = '{"p":1}'
SETTINGS = KafkaSettings({"bootstrap.servers": "127.0.0.1:1"})


class Topic:
    """What `read_to_end` would find: one partition of records."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes | None]] = []
        self.read_from: list[int] = []
        self.breaks_after: int | None = None

    def put(self, key: str, value: str | None) -> None:
        self.rows.append((encoded("c", PART, key), None if value is None else value.encode()))

    def read(
        self,
        _: Any,
        topic: str,
        partitions: int,
        positions: dict[int, int],
        take: Callable[[Any], None],
    ) -> None:
        first = positions.get(0, 0)
        self.read_from.append(first)
        for offset, (key, value) in enumerate(self.rows[first:], first):
            if offset == self.breaks_after:
                raise StoreError("cut")
            take(
                SimpleNamespace(
                    key=lambda k=key: k, value=lambda v=value: v, offset=lambda o=offset: o
                )
            )
            positions[0] = offset + 1


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    monkeypatch.setattr(state, "read_to_end", topic.read)
    return topic


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., StateCopy]]:
    copies = []

    def open_copy(identity: str = "one") -> StateCopy:
        copies.append(StateCopy(tmp_path / "state" / "c.db", identity))
        return copies[-1]

    yield open_copy
    for copy in copies:
        copy.close()


def all_of(copy: StateCopy) -> dict[str, str]:
    return dict(copy.scan(PART, "", "", 1000))


def test_a_copy_goes_on_where_it_was(topic: Topic, opened: Callable[..., StateCopy]) -> None:
    topic.put("a", "1")
    topic.put("b", "2")
    first = opened()
    first.catch_up(SETTINGS, "t")
    first.close()
    topic.put("a", None)
    topic.put("c", "3")
    second = opened()
    assert all_of(second) == {"a": "1", "b": "2"}
    second.catch_up(SETTINGS, "t")
    assert all_of(second) == {"b": "2", "c": "3"}
    assert topic.read_from == [0, 2]


def test_what_was_committed_is_there_at_once_and_read_once_more(
    topic: Topic, opened: Callable[..., StateCopy]
) -> None:
    copy = opened()
    copy.catch_up(SETTINGS, "t")
    copy.apply([(PART, "a", "1"), (PART, "b", "1"), (PART, "a", "2"), (PART, "b", None)])
    assert all_of(copy) == {"a": "2"}
    for key, value in (("a", "1"), ("b", "1"), ("a", "2"), ("b", None)):
        topic.put(key, value)
    copy.close()
    again = opened()
    again.catch_up(SETTINGS, "t")
    assert all_of(again) == {"a": "2"}
    assert topic.read_from == [0, 0]


def test_a_reading_that_breaks_leaves_position_and_rows_together(
    topic: Topic, opened: Callable[..., StateCopy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_AT_ONCE", 3)
    for number in range(10):
        topic.put(f"k{number}", str(number))
    topic.breaks_after = 7
    copy = opened()
    with pytest.raises(StoreError):
        copy.catch_up(SETTINGS, "t")
    assert all_of(copy) == {}
    topic.breaks_after = None
    copy.catch_up(SETTINGS, "t")
    assert len(all_of(copy)) == 10
    assert topic.read_from == [0, 0]


@pytest.mark.parametrize("how", ["another topic", "too old", "from the future"])
def test_a_copy_that_may_be_wrong_is_made_anew(
    topic: Topic, opened: Callable[..., StateCopy], tmp_path: Path, how: str
) -> None:
    topic.put("gone", "1")
    copy = opened()
    copy.catch_up(SETTINGS, "t")
    copy.close()
    topic.rows = [(encoded("c", PART, "here"), b"1")]  # and the marker of the deletion is gone too
    if how != "another topic":
        step = -FRESH_SECONDS - 1 if how == "too old" else 3600
        with sqlite3.connect(tmp_path / "state" / "c.db") as connection:
            connection.execute("UPDATE copied SET at = at + ?", (step,))
        connection.close()
    copy = opened("two" if how == "another topic" else "one")
    copy.catch_up(SETTINGS, "t")
    assert all_of(copy) == {"here": "1"}


def test_a_corrupt_copy_is_made_anew(
    topic: Topic, opened: Callable[..., StateCopy], tmp_path: Path
) -> None:
    topic.put("a", "1")
    file = tmp_path / "state" / "c.db"
    file.parent.mkdir(mode=0o700)
    file.write_bytes(b"no database at all" * 100)
    copy = opened()
    copy.catch_up(SETTINGS, "t")
    assert all_of(copy) == {"a": "1"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_reading_never_waits_for_a_reading_of_the_topic(
    topic: Topic, opened: Callable[..., StateCopy], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = opened()
    topic.put("a", "1")
    copy.catch_up(SETTINGS, "t")
    inside, go = threading.Event(), threading.Event()

    def slow(*_: Any) -> None:
        inside.set()
        assert go.wait(30)

    monkeypatch.setattr(state, "read_to_end", slow)
    thread = threading.Thread(target=copy.catch_up, args=(SETTINGS, "t"))
    thread.start()
    assert inside.wait(30)
    found = copy.get_many(PART, ["a"])  # would hang here for ever
    go.set()
    thread.join()
    assert found == {"a": "1"}


def test_a_reader_never_sees_a_value_go_back(
    topic: Topic, opened: Callable[..., StateCopy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_AT_ONCE", 1)
    copy = opened()
    copy.catch_up(SETTINGS, "t")
    seen = []
    for number in range(3):
        topic.put("a", str(number))
        copy.apply([(PART, "a", str(number))])
    read = topic.read

    def watched(*given: Any) -> None:
        *most, take = given

        def look(message: Any) -> None:
            take(message)
            seen.append(copy.get_many(PART, ["a"]))

        read(*most, look)

    monkeypatch.setattr(state, "read_to_end", watched)
    copy.catch_up(SETTINGS, "t")
    assert seen == [{"a": "2"}] * 3


def test_an_owner_that_lives_long_keeps_its_copy(
    topic: Topic, opened: Callable[..., StateCopy], tmp_path: Path
) -> None:
    topic.put("a", "1")
    copy = opened()
    copy.catch_up(SETTINGS, "t")
    with sqlite3.connect(tmp_path / "state" / "c.db") as connection:
        connection.execute("UPDATE copied SET at = 0")
    connection.close()
    copy.catch_up(SETTINGS, "t")
    assert topic.read_from == [0, 1]
