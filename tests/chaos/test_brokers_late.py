"""Requests that arrive when nobody waits for them any more: the hole that recycling closes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.errors import StoreUnreachable
from connectors_core.stores.kafka import session
from connectors_core.stores.kafka.session import SLOW_SECONDS, Session
from tests.chaos.brokers_late import Numbers
from tests.kafka.cluster import Cluster
from tests.kafka.oracle import open_transactions
from tests.kafka.proxy import Proxies
from tests.kafka.wire import Api, end_transaction_error

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.fixture
def proxies(cluster: Cluster) -> Iterator[Proxies]:
    with Proxies(cluster) as proxies:
        yield proxies


@pytest.fixture
def numbers(cluster: Cluster, proxies: Proxies, tmp_path: Path) -> Iterator[Numbers]:
    with Numbers(cluster, proxies, tmp_path) as numbers:
        yield numbers


@pytest.fixture
def never_suspicious(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the bug: a session that never says that it must not be used again."""
    nothing = property(lambda _: "", lambda _, value: None)
    monkeypatch.setattr(Session, "suspect", nothing, raising=False)


def late_end_amid_the_next_commit(numbers: Numbers) -> int:
    """Deliver the end of the first commit into the second, which is aborted; its error code."""
    answers: list[int] = []
    with numbers.held(Api.END_TXN) as held:
        numbers.commit()

    def amid() -> None:
        numbers.sent()
        answers.append(end_transaction_error(held.deliver()))
        numbers.give_up()

    numbers.amid["commit"] = amid
    assert numbers.commit() is None
    return answers[0]


def test_a_late_end_never_makes_an_aborted_record_visible(numbers: Numbers) -> None:
    assert late_end_amid_the_next_commit(numbers) != 0, "the broker took the late request"
    assert numbers.seen() == [1]
    numbers.commit()
    assert numbers.seen() == [1, 2]


def test_without_recycling_a_late_end_makes_an_aborted_record_visible(
    never_suspicious: None, numbers: Numbers
) -> None:
    """The control: it must fail, or the tests beside it show nothing."""
    assert late_end_amid_the_next_commit(numbers) == 0
    assert numbers.seen() == [1, 2], "the record of the aborted transaction is hidden"


def test_a_commit_whose_connection_was_cut_is_followed_by_a_new_producer(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SLOW_SECONDS", 60.0)  # a busy machine is no reason for one
    numbers.commit()
    before = numbers.session
    numbers.commit()
    assert numbers.session is before, "a clean commit gave its producer up"
    with numbers.held(Api.END_TXN):
        assert numbers.commit() is None
    assert before.suspect
    assert numbers.session is before
    assert numbers.commit() is None
    assert numbers.session is not before
    assert numbers.seen() == [1, 2, 3, 4]


def test_a_commit_that_took_over_a_second_is_followed_by_a_new_producer(
    numbers: Numbers, proxies: Proxies
) -> None:
    numbers.commit()
    before, slow = numbers.session, numbers.broker_of(Api.END_TXN)
    slow.slow(SLOW_SECONDS * 0.6)
    numbers.commit()
    slow.restore()
    assert before.suspect.startswith("a commit took")
    numbers.commit()
    assert numbers.session is not before
    assert numbers.seen() == [1, 2, 3]


def test_a_late_request_for_a_producer_id_costs_a_commit_and_no_record(numbers: Numbers) -> None:
    """It fences the producer that came after it; the claim says that nobody else is there."""
    numbers.commit()
    with numbers.held(Api.INIT_PRODUCER_ID) as held:
        numbers.send_one(Api.INIT_PRODUCER_ID)

    def amid() -> None:
        numbers.sent()
        held.deliver()

    numbers.amid["commit"] = amid
    assert isinstance(numbers.commit(), StoreUnreachable)
    assert numbers.seen() == [1, 2]
    numbers.commit()
    assert numbers.seen() == [1, 2, 3]


@pytest.mark.parametrize("seed", range(4))
def test_seeded_schedules_of_late_requests_lose_and_double_nothing(
    numbers: Numbers, seed: int
) -> None:
    clock = random.Random(seed)
    for _ in range(6):
        numbers.round(clock)
    assert numbers.right(), f"{numbers.seen()}, and the next is {numbers.next()}"
    assert numbers.next() > 6


def is_wrong(numbers: Numbers, seed: int) -> bool:
    """Say whether a seeded schedule has lost or doubled something."""
    clock = random.Random(seed)
    with numbers:
        for _ in range(6):
            numbers.round(clock)
        return not numbers.right()


@pytest.mark.timeout(900)
def test_without_recycling_a_seeded_schedule_is_wrong(
    never_suspicious: None, cluster: Cluster, proxies: Proxies, tmp_path: Path
) -> None:
    """The control of the schedules."""
    assert any(is_wrong(Numbers(cluster, proxies, tmp_path), seed) for seed in range(4))


def test_a_commit_that_outlives_its_transaction_is_made_again(
    cluster: Cluster, proxies: Proxies, tmp_path: Path
) -> None:
    with Numbers(cluster, proxies, tmp_path, timeout_ms=15_000) as numbers:
        numbers.commit()

        def until_the_broker_has_aborted_it() -> None:
            numbers.sent()
            cluster.until(lambda: not open_transactions(cluster.bootstrap, numbers.name), "aborted")

        numbers.amid["commit"] = until_the_broker_has_aborted_it
        assert isinstance(numbers.commit(), StoreUnreachable)
        assert numbers.seen() == [1]
        numbers.commit()
        assert numbers.seen() == [1, 2]
