"""The table: whoever catches up sees all that was there when he asked, whoever else asks too."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.stores.kafka import table
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.table import STALE_SECONDS, Table


class Readings:
    """Stands in for reading a topic; every reading waits until it is let go."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes | None]] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.count = 0
        self.positions: list[dict[int, int]] = []
        self.error: Exception | None = None

    def read(self, _: Any, topic: str, count: int, positions: dict[int, int], take: Any) -> None:
        found, end = self.rows[positions.get(0, 0) :], len(self.rows)
        self.positions.append(dict(positions))
        self.count += 1
        self.begun.release()
        assert self.go.acquire(timeout=30)
        for key, value in found:
            take(SimpleNamespace(key=lambda k=key: k, value=lambda v=value: v))
        if self.error is not None:
            raise self.error
        positions[0] = end


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    readings = Readings()
    monkeypatch.setattr(table, "read_to_end", readings.read)
    return readings


def made() -> Table:
    settings = KafkaSettings({"bootstrap.servers": "127.0.0.1:1"})
    return Table(settings, "t", 1, lambda key: (key.decode(), "") if key else None)


def started(target: Any) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def has_asked(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code is not Table.catch_up.__code__:
        frame = frame.f_back
    return frame is not None and "asked" in frame.f_locals


def test_a_reading_that_began_before_the_call_is_not_enough(readings: Readings) -> None:
    shown = made()
    first = started(shown.catch_up)
    assert readings.begun.acquire(timeout=30)
    readings.rows.append((b"late", b"1"))  # after the first reading looked
    seen: list[dict[str, bytes]] = []
    second = started(lambda: (shown.catch_up(), seen.append(shown.group("late"))))
    readings.go.release(2)
    first.join()
    second.join()
    assert seen == [{"": b"1"}]
    assert readings.count == 2


def test_those_who_wait_share_the_next_reading(readings: Readings) -> None:
    shown = made()
    first = started(shown.catch_up)
    assert readings.begun.acquire(timeout=30)
    others = [started(shown.catch_up) for _ in range(8)]
    while not all(map(has_asked, others)):
        time.sleep(0.001)
    readings.go.release(9)
    for thread in (first, *others):
        thread.join()
    assert readings.count == 2


def test_nobody_rests_on_a_reading_that_failed(readings: Readings) -> None:
    shown = made()
    readings.go.release(2)
    readings.error = StoreError("cut")
    with pytest.raises(StoreError):
        shown.catch_up()
    readings.error = None
    readings.rows.append((b"a", b"1"))
    shown.catch_up()
    assert shown.groups() == {"a": {"": b"1"}}


def test_a_tombstone_takes_away(readings: Readings) -> None:
    shown = made()
    readings.go.release(2)
    readings.rows += [(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"", b"no key of ours")]
    shown.catch_up()
    assert shown.groups()["b"] == {"": b"2"}
    assert shown.group("a") == {}


def test_what_was_read_long_ago_is_read_anew_and_shown_whole(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = made()
    readings.go.release(1)
    readings.rows += [(b"gone", b"1"), (b"kept", b"1")]
    shown.catch_up()
    now = table.time.monotonic() + STALE_SECONDS + 1
    monkeypatch.setattr(table.time, "monotonic", lambda: now)
    readings.rows = [(b"kept", b"2")]  # what said that the other is gone, is gone
    thread = started(shown.catch_up)
    readings.begun.acquire()
    readings.begun.acquire()
    assert readings.positions == [{}, {}]
    readings.go.release()
    thread.join()
    assert shown.groups() == {"kept": {"": b"2"}}
