"""The runtime under a random life, and faults of its own that such a life must bring to light."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from connectors_core import Retry
from connectors_core.api.store import Transaction
from connectors_core.runtime import unit
from connectors_core.runtime.task import Run
from connectors_core.runtime.unit import Outbox, Parcel, Progress
from connectors_core.runtime.writer import Writer
from tests.unit.runtime.life_machine import KINDS, Life

LIFE = settings(
    max_examples=200, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
LIVES = 300
"""So many random lives a planted fault may stay hidden in; most show in the first ten."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_fed_is_stored_once_in_order_with_its_offset_and_state() -> None:
    run_state_machine_as_test(Life, settings=LIFE)


def drops_a_record(patch: pytest.MonkeyPatch) -> None:
    close_open = unit.close_open

    def mutant(progress: Progress, outbox: Outbox) -> None:
        del progress.open_rows[1:]
        close_open(progress, outbox)

    patch.setattr(unit, "close_open", mutant)


def moves_offsets_before_their_records(patch: pytest.MonkeyPatch) -> None:
    take = Outbox.take

    def mutant(self: Outbox) -> Parcel:
        parcel = take(self)
        kept = getattr(self, "_kept", {})
        self._kept, parcel.rows = parcel.rows, kept  # type: ignore[attr-defined]
        return parcel

    patch.setattr(Outbox, "take", mutant)


def commits_twice(patch: pytest.MonkeyPatch) -> None:
    store = Writer._store

    async def mutant(self: Writer, transaction: Transaction) -> None:
        await store(self, transaction)
        await store(self, transaction)

    patch.setattr(Writer, "_store", mutant)


def stores_state_outside_of_the_transaction(patch: pytest.MonkeyPatch) -> None:
    store = Writer._store

    async def mutant(self: Writer, transaction: Transaction) -> None:
        state, transaction.state = transaction.state, {}
        await store(self, Transaction(state=state))
        await store(self, transaction)

    patch.setattr(Writer, "_store", mutant)


def keeps_open_units_after_a_retry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Progress, "drop_open", lambda self: 0)


def goes_on_after_a_failed_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "failed", lambda self, error: self._make_room())


PLANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    drops_a_record,
    moves_offsets_before_their_records,
    commits_twice,
    stores_state_outside_of_the_transaction,
    keeps_open_units_after_a_retry,
    goes_on_after_a_failed_commit,
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_fault_of_the_runtime_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[Any], None]
) -> None:
    plant(monkeypatch)
    monkeypatch.setattr("tests.unit.runtime.life_machine.SECONDS", 10.0)
    with pytest.raises(AssertionError, match=r"partition|seen|sees|== sum"):
        many_lives()


def many_lives() -> None:
    for seed in range(LIVES):
        live(random.Random(seed))


def live(clock: random.Random) -> None:
    """Live at random, without what Hypothesis does to a failure: to see it again, which threads
    may not."""
    life = Life()
    life.start(tasks=clock.randint(1, 2), linger=clock.choice([0, 3]))
    rules: list[Callable[[], None]] = [
        lambda: life.more(p=clock.randrange(3), kinds=clock.choices(KINDS, k=clock.randrange(7))),
        lambda: life.fail(
            p=clock.randrange(3),
            error=clock.choice([Retry, ValueError]),
            midway=clock.random() < 0.5,
        ),
        lambda: life.break_a_commit(point=clock.choice(["begin", "write", "commit", "committed"])),
        lambda: life.command(verb=clock.choice(["pause", "resume", "restart"])),
        lambda: life.wait(seconds=clock.random() / 100),
        life.settle,
    ]
    try:
        for _ in range(25):
            clock.choice(rules)()
            life.look()
    finally:
        life.teardown()
