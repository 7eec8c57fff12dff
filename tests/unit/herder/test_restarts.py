"""What counts towards `restart.max`, and how long is waited."""

from __future__ import annotations

import pytest

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.errors import ConfigError, StoreError, StoreUnreachable
from connectors_core.herder.restarts import AWAY_SECONDS, Restarts


def restarts(most: int, **options: int) -> Restarts:
    given = {"name": "c", "connector.class": "x", "restart.max": most, **options}
    return Restarts(ConnectorOptions.model_validate(given))


@pytest.mark.parametrize("most", [0, 1, 10])
def test_a_store_that_cannot_be_reached_never_ends_a_connector(most: int) -> None:
    policy = restarts(most)
    waits = [policy.wait_after(StoreUnreachable("down"), progressed=False) for _ in range(1000)]
    assert all(wait is not None and wait <= AWAY_SECONDS for wait in waits)


def test_an_outage_does_not_use_up_the_restarts_of_another_error() -> None:
    policy = restarts(2)
    for _ in range(5):
        policy.wait_after(StoreUnreachable("down"), progressed=False)
    waits = [policy.wait_after(OSError("net"), progressed=False) for _ in range(3)]
    assert [wait is None for wait in waits] == [False, False, True]


def test_the_wait_for_a_store_is_never_longer_than_what_was_asked_for() -> None:
    policy = restarts(1, **{"restart.delay.ms": 10, "restart.delay.max.ms": 20})
    waits = [policy.wait_after(StoreUnreachable("down"), progressed=False) for _ in range(20)]
    assert all(wait is not None and wait <= 0.02 for wait in waits)


@pytest.mark.parametrize("error", [StoreError("broken disk"), ConfigError("wrong")])
def test_other_errors_of_the_environment_still_end_it(error: Exception) -> None:
    policy = restarts(1)
    waits = [policy.wait_after(error, progressed=False) for _ in range(2)]
    assert waits[-1] is None
