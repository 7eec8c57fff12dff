"""Patience: all who wait share one limit, and calls outlive those who gave up."""

from __future__ import annotations

import threading

import pytest

from connectors_core.avro.patience import Patience


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_call_gives_what_it_returns_and_raises_what_it_raises() -> None:
    patience = Patience()
    assert patience.run("a", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        patience.run("b", lambda: 1 // 0)


def test_what_one_waits_is_missing_to_the_next_and_comes_back_with_time() -> None:
    clock = Clock()
    patience = Patience(3.0, clock=clock)

    def slow() -> None:
        clock.now += 2.0

    patience.run("a", slow)
    assert patience._left == 1.0
    patience.run("b", slow)
    assert patience._left == 0.0
    go = threading.Event()
    with pytest.raises(TimeoutError):
        patience.run("c", go.wait)
    go.set()
    clock.now += 60.0
    patience.run("d", lambda: None)
    assert patience._left == 3.0


def test_who_asks_the_same_waits_for_the_call_that_runs() -> None:
    patience, go, calls = Patience(0.05), threading.Event(), []

    def call() -> int:
        calls.append(1)
        go.wait()
        return len(calls)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            patience.run("a", call)
    assert len(calls) == 1
    patience._left, patience.seconds = 5.0, 5.0
    threading.Timer(0.2, go.set).start()  # not before it is asked for below
    assert patience.run("a", call) == 1
    assert patience.run("a", call) == 2
