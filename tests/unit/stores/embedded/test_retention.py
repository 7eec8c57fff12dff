"""Old records go, newer ones and the end of a partition stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.store import Row, Slot, TopicSpec, Transaction
from connectors_core.stores.embedded import EmbeddedReader, EmbeddedStore
from connectors_core.stores.embedded.retention import WEEK_MS

DAY = 24 * 3600.0


class Clock:
    """Seconds that go on when they are told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "log.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(path, clock=clock)
    yield store
    store.close()


@pytest.fixture
def slot(store: EmbeddedStore) -> Slot:
    return store.acquire("embedded")


def append(slot: Slot, topic: str = "t", count: int = 10, size: int = 100) -> None:
    rows: list[Row] = [(None, b"x" * size, 1, ()) for _ in range(count)]
    slot.commit(Transaction(rows={(topic, 0): rows}))


def bounds(path: Path, topic: str = "t") -> tuple[int, int]:
    reader = EmbeddedReader(path)
    (found,) = reader.bounds(topic).values()
    assert reader.check() == []
    assert [r.offset for r in reader.read(topic, 0, 0, 10_000)] == list(range(*found))
    reader.close()
    return found


def test_removes_what_was_appended_more_than_seven_days_ago(
    path: Path, slot: Slot, clock: Clock
) -> None:
    append(slot)
    clock.now += 1 * DAY
    append(slot)
    clock.now += 6 * DAY
    append(slot, "beside")
    assert bounds(path) == (0, 20)
    clock.now += 61
    append(slot, "beside")
    assert bounds(path) == (10, 20)
    assert WEEK_MS == 7 * DAY * 1000


def test_goes_by_the_time_of_the_append_not_by_that_of_the_event(
    path: Path, slot: Slot, clock: Clock
) -> None:
    append(slot)
    clock.now += 1 * DAY
    append(slot)
    assert bounds(path) == (0, 20)


def test_the_end_stays_when_all_records_are_gone(
    path: Path, store: EmbeddedStore, slot: Slot, clock: Clock
) -> None:
    append(slot)
    clock.now += 8 * DAY
    append(slot, "beside")
    assert bounds(path) == (10, 10)
    store.close()
    again = EmbeddedStore(path, clock=clock)
    append(again.acquire("embedded"))
    again.close()
    assert bounds(path) == (10, 20)


def test_a_topic_may_keep_longer_shorter_or_for_ever(
    path: Path, store: EmbeddedStore, slot: Slot, clock: Clock
) -> None:
    settings = {"short": "1000", "long": str(30 * 24 * 3600 * 1000), "ever": "-1"}
    store.ensure_topics(
        TopicSpec(name, settings={"retention.ms": ms}) for name, ms in settings.items()
    )
    for name in (*settings, "plain"):
        append(slot, name)
    clock.now += 61
    append(slot, "beside")
    assert [bounds(path, name)[0] for name in (*settings, "plain")] == [10, 0, 0, 0]
    clock.now += 8 * DAY
    append(slot, "beside")
    assert [bounds(path, name)[0] for name in (*settings, "plain")] == [10, 0, 0, 10]
    clock.now += 800 * DAY
    append(slot, "beside")
    assert [bounds(path, name)[0] for name in (*settings, "plain")] == [10, 10, 0, 10]


def test_keeps_at_least_the_bytes_that_a_topic_asks_for(
    path: Path, store: EmbeddedStore, slot: Slot, clock: Clock
) -> None:
    store.ensure_topics([TopicSpec("t", settings={"retention.bytes": "3000"})])
    for _ in range(6):
        append(slot)
    append(slot, "free")
    clock.now += 61
    append(slot, "beside")
    reader = store.reader()
    kept = {topic.name: topic.bytes for topic in reader.topics()}
    reader.close()
    assert 3000 <= kept["t"] < 3000 + 1400
    assert bounds(path) == (30, 60)
    assert bounds(path, "free") == (0, 10)


def test_a_store_may_bound_every_partition(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "data" / "log.db"
    store = EmbeddedStore(path, clock=clock, retention_ms=None, retention_bytes=1)
    slot = store.acquire("embedded")
    for _ in range(5):
        append(slot)
    clock.now += 900 * DAY
    append(slot)
    store.close()
    assert bounds(path) == (50, 60)


def test_looks_once_a_minute(path: Path, slot: Slot, clock: Clock, store: EmbeddedStore) -> None:
    store.ensure_topics([TopicSpec("t", settings={"retention.ms": "1"})])
    append(slot, "beside")
    clock.now += 59
    append(slot)
    clock.now += 0.5
    append(slot, "beside")
    assert bounds(path) == (0, 10)
    clock.now += 0.6
    append(slot, "beside")
    assert bounds(path) == (10, 10)


def test_a_clock_set_back_does_not_stop_it(path: Path, slot: Slot, clock: Clock) -> None:
    append(slot)
    clock.now -= 30 * DAY
    append(slot)
    append(slot)
    clock.now += 45 * DAY
    append(slot, "beside")
    assert bounds(path) == (30, 30)


def test_removes_in_small_steps_until_all_is_gone(path: Path, slot: Slot, clock: Clock) -> None:
    for _ in range(60):
        append(slot, count=1)
    clock.now += 8 * DAY
    starts = []
    for _ in range(6):
        append(slot, "beside", count=1)
        starts.append(bounds(path)[0])
    assert starts == [16, 32, 48, 60, 60, 60]


def test_removes_more_than_a_large_commit_adds(path: Path, slot: Slot, clock: Clock) -> None:
    def everywhere() -> Transaction:
        return Transaction(rows={("t", number): [(None, b"x", 1, ())] for number in range(100)})

    for _ in range(3):
        slot.commit(everywhere())
    clock.now += 8 * DAY
    slot.commit(everywhere())
    slot.commit(everywhere())
    reader = EmbeddedReader(path)
    assert set(reader.bounds("t").values()) == {(3, 5)}
    reader.close()


def test_the_file_shrinks_again(path: Path, store: EmbeddedStore, slot: Slot, clock: Clock) -> None:
    for _ in range(40):
        append(slot, count=1, size=1 << 20)
    clock.now += 8 * DAY
    for _ in range(16):
        append(slot, "beside", count=1)
    store.close()
    assert path.stat().st_size < 10 << 20
    assert bounds(path) == (40, 40)


def test_a_failure_to_remove_is_no_failure_of_the_commit(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class NoDelete(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            if "DELETE FROM batch" in sql:
                raise sqlite3.OperationalError("no")
            return super().execute(sql, parameters)  # type: ignore[arg-type]

    path = tmp_path / "data" / "log.db"
    store = EmbeddedStore(
        path,
        clock=clock,
        connect=lambda name: sqlite3.connect(
            name, isolation_level=None, check_same_thread=False, factory=NoDelete
        ),
    )
    slot = store.acquire("embedded")
    append(slot)
    assert [record.message for record in caplog.records] == ["old records could not be removed"]
    append(slot)
    store.close()
    assert bounds(path) == (0, 20)
