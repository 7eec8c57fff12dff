"""The tests' own Kafka does what tests rely on: a judge that can't see a fault proves nothing."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from tests.conftest import open_sockets
from tests.kafka import oracle, topic
from tests.kafka.broker import HOST
from tests.kafka.cluster import Cluster
from tests.kafka.connect import ConnectWorker
from tests.kafka.proxy import Proxies, Proxy
from tests.kafka.wire import Api, end_transaction_error

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def transactional(bootstrap: str, name: str, **settings: object) -> Producer:
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": name, "log_level": 0, **settings}
    )
    producer.init_transactions(30)
    return producer


def test_a_record_goes_in_and_comes_out_whole(kafka: str) -> None:
    name = topic.unique("whole")
    topic.create(kafka, name, partitions=2)
    producer = Producer({"bootstrap.servers": kafka, "log_level": 0})
    producer.produce(name, b"v", b"k", 1, timestamp=1234567890123, headers=[("h", b"x")])
    assert producer.flush(30) == 0
    expected = oracle.Stored(1, 0, b"k", b"v", (("h", b"x"),), 1234567890123)
    assert oracle.committed(kafka, name) == [expected]
    assert oracle.uncommitted(kafka, name) == [expected]


def test_the_oracle_hides_what_was_aborted_and_only_that(kafka: str) -> None:
    name = topic.unique("aborted")
    topic.create(kafka, name)
    producer = transactional(kafka, name)
    for number, end in enumerate(["commit", "abort", "commit", "abort"]):
        producer.begin_transaction()
        producer.produce(name, str(number))
        producer.flush(30)
        getattr(producer, f"{end}_transaction")(30)
    assert [each.value for each in oracle.committed(kafka, name)] == [b"0", b"2"]
    assert [each.value for each in oracle.uncommitted(kafka, name)] == [b"0", b"1", b"2", b"3"]


def test_the_oracle_sees_a_topic_of_aborted_records_as_empty(kafka: str) -> None:
    name = topic.unique("nothing")
    topic.create(kafka, name)
    assert oracle.committed(kafka, name) == []
    producer = transactional(kafka, name)
    producer.begin_transaction()
    producer.produce(name, b"never")
    producer.flush(30)
    producer.abort_transaction(30)
    assert oracle.committed(kafka, name, seconds=10) == []


def test_the_oracle_never_takes_an_open_transaction_for_the_end(kafka: str) -> None:
    name = topic.unique("open")
    topic.create(kafka, name)
    producer, other = transactional(kafka, name), transactional(kafka, f"{name}-other")
    for each in (producer, other):
        each.begin_transaction()
        each.produce(name, b"open" if each is producer else b"done")
        each.flush(30)
    other.commit_transaction(30)
    deadline = time.monotonic() + 30
    # That `other` has committed is written to the topic after its client was told so.
    while (found := oracle.open_transactions(kafka, name)) != {0: 3}:
        assert time.monotonic() < deadline, found
    with pytest.raises(TimeoutError, match=rf"{name}: read \[0\] to .* of 3 in 2 s"):
        oracle.committed(kafka, name, seconds=2)
    producer.abort_transaction(30)
    assert oracle.open_transactions(kafka, name) == {}
    assert [each.value for each in oracle.committed(kafka, name)] == [b"done"]


def test_the_newest_value_of_a_key_is_what_counts(kafka: str) -> None:
    name = topic.unique("newest")
    topic.create(kafka, name, partitions=3, cleanup_policy="compact")
    producer = Producer({"bootstrap.servers": kafka, "log_level": 0})
    for key, value in [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("b", None)]:
        producer.produce(name, value, key)
    assert producer.flush(30) == 0
    assert oracle.newest(kafka, name) == {b"a": b"2", b"c": b"1"}


@pytest.fixture(scope="module")
def broken(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One broker to be hurt."""
    with Cluster(tmp_path_factory.mktemp("broken")) as cluster:
        yield cluster


def put(bootstrap: str, name: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0, "acks": "all"})
    for value in values:
        producer.produce(name, value)
    assert producer.flush(60) == 0


def values(records: list[oracle.Stored]) -> list[bytes | None]:
    return [each.value for each in records]


@pytest.mark.chaos
def test_a_killed_broker_comes_back_with_its_data(broken: Cluster) -> None:
    name = topic.unique("kept")
    topic.create(broken.bootstrap, name)
    put(broken.bootstrap, name, b"before")
    pid = broken.running[1].pid
    broken.kill(1)
    assert not psutil.pid_exists(pid)
    broken.restart(1)
    put(broken.bootstrap, name, b"after")
    broken.restart(1)
    assert values(oracle.committed(broken.bootstrap, name)) == [b"before", b"after"]


def test_a_frozen_broker_answers_nothing_until_it_is_thawed(broken: Cluster) -> None:
    broken.freeze(1)
    try:
        with pytest.raises(TimeoutError, match=r"broker 1: is not ready after 1 s\. Read /"):
            broken.wait_ready(seconds=1)
    finally:
        broken.thaw(1)
    broken.wait_ready()


def test_a_broker_that_does_not_start_shows_its_log(tmp_path: Path, kafka_jars: None) -> None:
    cluster = Cluster(tmp_path, settings={"num.io.threads": "none"})
    with pytest.raises((TimeoutError, RuntimeError), match=r"(?s)broker.*num\.io\.threads"):
        cluster.__enter__()
    assert not cluster.running


def test_no_broker_outlives_who_started_it(tmp_path: Path, kafka_jars: None) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.kafka.cluster import Cluster;"
        f"cluster = Cluster(Path({str(tmp_path)!r})); cluster.format(); cluster.launch(1);"
        "print(cluster.running[1].pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(10)


def test_a_proxy_passes_and_counts(broken: Cluster) -> None:
    name = topic.unique("passed")
    topic.create(broken.bootstrap, name)
    with Proxies(broken) as proxies:
        put(broken.proxied_bootstrap, name, b"1")
        assert values(oracle.committed(broken.proxied_bootstrap, name)) == [b"1"]
        assert proxies[1].counts[Api.PRODUCE] >= 1
        assert proxies[1].counts[Api.FETCH] >= 1
        assert proxies[1].counts[Api.END_TXN] == 0


def test_a_held_request_goes_on_when_it_is_delivered(broken: Cluster) -> None:
    name = topic.unique("held")
    topic.create(broken.bootstrap, name)
    with Proxies(broken) as proxies, ThreadPoolExecutor(1) as pool:
        producer = transactional(broken.proxied_bootstrap, name)
        held = proxies[1].hold(Api.END_TXN, nth=2)
        for value in (b"1", b"2"):
            producer.begin_transaction()
            producer.produce(name, value)
            committing = pool.submit(producer.commit_transaction, 30)
            if value == b"1":
                committing.result(30)
        held.wait()
        assert proxies[1].counts[Api.END_TXN] == 2
        assert not committing.done()
        assert oracle.open_transactions(broken.bootstrap, name) == {0: 1}
        assert end_transaction_error(held.deliver()) == 0
        committing.result(30)
    assert values(oracle.committed(broken.bootstrap, name)) == [b"1", b"2"]


def late_end(broken: Cluster, name: str, recycle: bool) -> tuple[int, list[bytes | None]]:
    """Commit, with a cut that makes the client ask twice, then abort while the first comes late."""
    with Proxies(broken) as proxies, ThreadPoolExecutor(1) as pool:
        producer = transactional(broken.proxied_bootstrap, name)
        held = proxies[1].hold(Api.END_TXN)
        producer.begin_transaction()
        producer.produce(name, b"committed")
        committing = pool.submit(producer.commit_transaction, 60)
        held.wait()
        proxies[1].cut()
        committing.result(60)
        assert proxies[1].counts[Api.END_TXN] >= 2
        if recycle:
            producer = transactional(broken.proxied_bootstrap, name)
        producer.begin_transaction()
        producer.produce(name, b"aborted")
        assert producer.flush(30) == 0
        answer = end_transaction_error(held.deliver())
        with suppress(KafkaException):
            producer.abort_transaction(30)
    return answer, values(oracle.committed(broken.bootstrap, name))


def test_a_late_end_makes_an_aborted_record_visible(broken: Cluster) -> None:
    """The control: without a new producer the hole in the protocol is there, and is seen."""
    name = topic.unique("late")
    topic.create(broken.bootstrap, name)
    assert late_end(broken, name, recycle=False) == (0, [b"committed", b"aborted"])


def test_a_late_end_of_an_older_producer_is_refused(broken: Cluster) -> None:
    name = topic.unique("recycled")
    topic.create(broken.bootstrap, name)
    answer, found = late_end(broken, name, recycle=True)
    assert answer in {KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED}
    assert found == [b"committed"]


def test_a_black_hole_passes_nothing_until_it_is_restored(broken: Cluster) -> None:
    name = topic.unique("swallowed")
    topic.create(broken.bootstrap, name)
    with Proxies(broken) as proxies:
        producer = Producer({"bootstrap.servers": broken.proxied_bootstrap, "log_level": 0})
        producer.produce(name, b"1")
        assert producer.flush(30) == 0
        proxies[1].blackhole()
        producer.produce(name, b"2")
        assert producer.flush(1) == 1
        assert values(oracle.committed(broken.bootstrap, name)) == [b"1"]
        proxies[1].restore()
        assert producer.flush(60) == 0
    assert values(oracle.uncommitted(broken.bootstrap, name)) == [b"1", b"2"]


def ask(client: socket.socket) -> float:
    """Return how long a broker takes for ApiVersions, which may be the first request."""
    request = struct.pack(">hhih", Api.API_VERSIONS, 0, 7, -1)
    start = time.monotonic()
    client.sendall(struct.pack(">i", len(request)) + request)
    reply = client.recv(4096)
    while len(reply) - 4 < int.from_bytes(reply[:4]):
        reply += client.recv(4096)
    assert reply[4:8] == request[4:8]
    return time.monotonic() - start


def test_a_proxy_cuts_refuses_and_slows_as_it_is_told(broken: Cluster) -> None:
    with Proxies(broken) as proxies:
        proxy = proxies[1]
        with socket.create_connection((HOST, proxy.port), timeout=10) as client:
            ask(client)
            proxy.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, proxy.port), timeout=10)
        proxy.restore()
        with socket.create_connection((HOST, proxy.port), timeout=10) as client:
            proxy.slow(2.0)
            assert ask(client) >= 4
            proxy.restore()
            assert ask(client) < 4


def test_a_proxy_that_closes_while_clients_come_keeps_no_connection() -> None:
    with socket.create_server((HOST, 0)) as free, socket.create_server((HOST, 0)) as broker:
        port, target = free.getsockname()[1], broker.getsockname()[1]
    over = threading.Event()

    def knock() -> None:
        while not over.is_set():
            with suppress(OSError):
                socket.create_connection((HOST, port), timeout=10).close()

    before = open_sockets()
    for _ in range(10):
        over.clear()
        proxy = Proxy(port, target)
        proxy.start()
        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(knock)
            try:
                time.sleep(0.01)
                proxy.close()
            finally:
                over.set()
    assert not open_sockets() - before


@pytest.mark.chaos  # slow, and needed by the benchmarks alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("exactly_once", [True, False])
def test_a_connect_worker_of_the_same_version_copies_a_file(
    kafka: str, tmp_path: Path, exactly_once: bool
) -> None:
    file, name = tmp_path / "lines.txt", topic.unique("lines")
    file.write_text("".join(f"{number}\n" for number in range(1000)))
    topic.create(kafka, name)
    with ConnectWorker(tmp_path, kafka, exactly_once=exactly_once) as worker:
        worker.file_source("lines", file, name)
        worker.until(lambda: len(oracle.committed(kafka, name)) >= 1000, "done with the file")
        now, most = worker.memory()
        assert 50 << 20 < now <= most < 2 << 30
    assert values(oracle.committed(kafka, name)) == [b"%d" % number for number in range(1000)]
    _, end = oracle.bounds(kafka, name, "read_uncommitted", 30)[0]
    assert (end > 1000) == exactly_once, "only transactions leave marks between the records"


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_three_brokers_elect_another_leader_and_take_the_old_one_back(cluster: Cluster) -> None:
    name = topic.unique("led")
    topic.create(cluster.bootstrap, name)
    put(cluster.bootstrap, name, b"before")
    old = cluster.leader(name)
    cluster.until(lambda: cluster.isr(name) == {1, 2, 3}, "in sync")
    cluster.kill(old)
    cluster.until(lambda: cluster.leader(name) not in {old, -1}, "led by another broker")
    put(cluster.bootstrap, name, b"without it")
    assert values(oracle.committed(cluster.bootstrap, name)) == [b"before", b"without it"]
    cluster.restart(old)
    cluster.until(lambda: cluster.isr(name) == {1, 2, 3}, "in sync again")


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_clients_of_the_proxies_never_go_around_them(cluster: Cluster) -> None:
    name = topic.unique("through")
    topic.create(cluster.bootstrap, name, partitions=3)
    with Proxies(cluster) as proxies:
        producer = Producer({"bootstrap.servers": cluster.proxied_bootstrap, "log_level": 0})
        for partition in range(3):
            producer.produce(name, b"1", partition=partition)
        assert producer.flush(60) == 0
        leaders = Counter(cluster.leader(name, partition) for partition in range(3))
        seen = {node: proxies[node].counts[Api.PRODUCE] for node in leaders}
        assert all(seen.values()), (leaders, seen)


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_the_coordinator_of_a_transaction_is_known(cluster: Cluster) -> None:
    name = topic.unique("coordinated")
    topic.create(cluster.bootstrap, name)
    with Proxies(cluster) as proxies:
        producer = transactional(cluster.proxied_bootstrap, name)
        producer.begin_transaction()
        producer.produce(name, b"1")
        producer.commit_transaction(30)
        asked = [node for node in cluster.brokers if proxies[node].counts[Api.END_TXN]]
        assert asked == [cluster.coordinator(name)]
