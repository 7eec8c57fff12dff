"""A real Kafka for the tests: one broker that all share, or three of a module's own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kafka.cluster import Cluster
from tests.kafka.jars import MissingToolError, jars, java


def must_run() -> bool:
    """Say whether this is CI, where nothing may be skipped."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@pytest.fixture(scope="session")
def kafka_jars() -> None:
    """Skip, and name the reason, where no broker can be started; in CI fail instead."""
    try:
        java()
        jars()
    except MissingToolError as missing:
        reason = (
            f"NO REAL KAFKA: {missing} Or set PYCONNECT_TEST_KAFKA=HOST:PORT to a broker "
            "for the tests that need only one."
        )
        if must_run():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """`bootstrap.servers` of one broker that all tests share: use topic names of your own.

    PYCONNECT_TEST_KAFKA=HOST:PORT,... names a cluster to use instead.
    """
    if given := os.environ.get("PYCONNECT_TEST_KAFKA"):
        yield given
        return
    request.getfixturevalue("kafka_jars")
    with Cluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster.bootstrap


@pytest.fixture(scope="module")
def cluster(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three brokers of this module's own. Whoever hurts them heals them before the test ends."""
    with Cluster(tmp_path_factory.mktemp("cluster"), brokers=3) as cluster:
        yield cluster
