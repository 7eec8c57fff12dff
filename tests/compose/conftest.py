"""The brokers of the compose file, started once for the tests that need them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from tests.compose.loopback import Loopback

SECONDS = 60.0


@pytest.fixture(scope="package")
def loopback(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """Three brokers; whoever kills one starts it again."""
    with Loopback(tmp_path_factory.mktemp("compose")) as running:
        asking = AdminClient({"bootstrap.servers": running.external(), "log_level": 0})
        deadline = time.monotonic() + SECONDS
        while len(asking.list_topics(timeout=SECONDS).brokers) < 3:
            assert time.monotonic() < deadline, "there are no three brokers after 60 s"
            time.sleep(0.1)
        del asking
        yield running


@pytest.fixture
def outside(loopback: Loopback) -> str:
    """Return the ports of the host, where a client outside of the containers comes in."""
    return loopback.external()
