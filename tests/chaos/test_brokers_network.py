"""A network that loses, delays, cuts and holds back: nothing is lost or doubled behind it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.brokers_worker import Worker
from tests.kafka.cluster import Cluster
from tests.kafka.proxy import Proxies
from tests.kafka.wire import Api

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
NODES = (1, 2, 3)


@pytest.fixture
def proxies(cluster: Cluster) -> Iterator[Proxies]:
    with Proxies(cluster) as proxies:
        yield proxies


@pytest.fixture
def worker(cluster: Cluster, proxies: Proxies, tmp_path: Path) -> Iterator[Worker]:
    """A worker that has committed something, with proxies before all brokers; 10 s a transaction."""
    worker = Worker(
        tmp_path, cluster.proxied_bootstrap, cluster.bootstrap, timeout="10s", **{"restart.max": 0}
    )
    worker.make_topic()
    with worker:
        worker.goes_on()
        yield worker


def is_right(worker: Worker, what: str) -> None:
    """Assert that it goes on by itself, then that nothing is lost or doubled."""
    took = worker.goes_on()
    worker.stop()
    count = worker.judge(at_least=1_000)
    print(f"{what}: on after {took:.1f} s, longest stall {worker.longest:.1f} s, {count} records")


@pytest.mark.parametrize("role", ["leader", "coordinator"])
def test_a_broker_that_is_partitioned_away_for_a_while(
    cluster: Cluster, proxies: Proxies, worker: Worker, role: str
) -> None:
    """Longer than a transaction may last. What was on its way arrives late."""
    transactions = f"pyconnect-offsets-{worker.name}"
    leads = role == "leader"
    node = cluster.leader(worker.topic) if leads else cluster.coordinator(transactions)
    proxies[node].blackhole()
    worker.lives_through(20)
    proxies[node].restore()
    is_right(worker, f"{role} partitioned away")


def test_a_commit_that_cannot_end_before_its_transaction_times_out(
    proxies: Proxies, worker: Worker
) -> None:
    for node in NODES:
        proxies[node].blackhole()
    worker.lives_through(25)
    for node in NODES:
        proxies[node].restore()
    is_right(worker, "no network for 25 s, 10 s a transaction")
    assert worker.longest > 20


def test_three_hundred_milliseconds_of_latency(proxies: Proxies, worker: Worker) -> None:
    for node in NODES:
        proxies[node].slow(0.3)
    worker.goes_on(records=2_000)
    is_right(worker, "300 ms more, both ways")


def test_connections_that_are_cut_again_and_again(proxies: Proxies, worker: Worker) -> None:
    clock = random.Random(4)
    for _ in range(40):
        worker.lives_through(clock.uniform(0.02, 0.8))
        proxies[clock.choice(NODES)].cut()
    is_right(worker, "40 cuts")


def test_brokers_that_refuse_connections_in_turn(proxies: Proxies, worker: Worker) -> None:
    for node in NODES:
        proxies[node].refuse()
        worker.lives_through(4)
        proxies[node].restore()
    is_right(worker, "each broker refused for 4 s")


@pytest.mark.parametrize("api", [Api.END_TXN, Api.PRODUCE])
def test_requests_of_a_worker_that_arrive_late(
    cluster: Cluster, proxies: Proxies, worker: Worker, api: Api
) -> None:
    """Held, cut off, sent again by the client, and delivered at some instant of what follows."""
    clock = random.Random(16)
    for _ in range(8):
        to_leader = api is Api.PRODUCE
        transactions = f"pyconnect-offsets-{worker.name}"
        node = cluster.leader(worker.topic) if to_leader else cluster.coordinator(transactions)
        held = proxies[node].hold(api)
        held.wait()
        proxies[node].cut()
        worker.lives_through(clock.uniform(0.0, 0.25))
        held.deliver()
        worker.goes_on()
    is_right(worker, f"8 late requests {api.name}")
