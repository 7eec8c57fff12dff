"""Brokers that refuse: who may not, or is not known, is told what to change, and does not try again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.chaos.brokers_guarded import PASSWORD, Guarded, allow
from tests.chaos.brokers_worker import Worker
from tests.kafka.cluster import Cluster
from tests.kafka.topic import create

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
OWN = "pyconnect-"
SOON_SECONDS = 45.0
WAYS = [AclOperation.READ, AclOperation.WRITE, AclOperation.CREATE, AclOperation.DESCRIBE]
ALL: Mapping[tuple[ResourceType, str], list[AclOperation]] = {
    (ResourceType.TOPIC, OWN): [*WAYS, AclOperation.DESCRIBE_CONFIGS],
    (ResourceType.TRANSACTIONAL_ID, OWN): [AclOperation.WRITE, AclOperation.DESCRIBE],
    (ResourceType.GROUP, OWN): [AclOperation.READ],
}
"""As docs/how-to/kafka.md lists them; the topic of records is each test's own."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    guarded = Guarded(tmp_path_factory.mktemp("guarded"))
    guarded.sign()
    return guarded


@pytest.fixture(scope="module")
def broker(kafka_jars: None, guarded: Guarded) -> Iterator[Cluster]:
    cluster = Cluster(guarded.folder, settings=guarded.settings())
    # Its other listeners are not there: only the one without a name is asked whether it is ready.
    for each in cluster.brokers.values():
        _, port = guarded.inside.rsplit(":", 1)
        object.__setattr__(each, "direct", int(port))
        object.__setattr__(each, "behind", int(port))
    with cluster:
        yield cluster


def records(topic: str, *without: AclOperation) -> Mapping[Any, list[AclOperation]]:
    """Return the rights on a topic of records."""
    wanted = [AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS]
    return {(ResourceType.TOPIC, topic): [each for each in wanted if each not in without]}


def run(worker: Worker, *words: str) -> tuple[int, str, float]:
    """Run to its end; return the exit code, all that it said, and how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        [*worker.command(), *words], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


def logging_in(
    tmp_path: Path, broker: Cluster, guarded: Guarded, password: str = PASSWORD, **given: Any
) -> Worker:
    kafka = guarded.properties(password)
    worker = Worker(tmp_path, guarded.login, broker.bootstrap, kafka=kafka, **given)
    create(broker.bootstrap, worker.topic, 3)
    return worker


def test_what_the_docs_list_is_enough(tmp_path: Path, broker: Cluster, guarded: Guarded) -> None:
    worker = logging_in(tmp_path, broker, guarded)
    allow(broker.bootstrap, {**ALL, **records(worker.topic)})
    with worker:
        worker.goes_on()
        worker.stop()
    worker.judge(at_least=500)
    assert PASSWORD not in worker.log.read_text()


def test_a_right_to_write_that_is_missing_is_named(
    tmp_path: Path, broker: Cluster, guarded: Guarded
) -> None:
    worker = logging_in(tmp_path, broker, guarded)
    allow(broker.bootstrap, {**ALL, **records(worker.topic, AclOperation.WRITE)})
    code, said, took = run(worker)
    assert code == 1, said
    assert f"committing into {worker.topic}: the cluster does not allow it" in said
    assert "Let this user write and describe the topic" in said
    assert "will be restarted" not in said
    assert took < 60


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        (ResourceType.TRANSACTIONAL_ID, "write and describe the transactional id"),
        (ResourceType.TOPIC, "topic"),
        (ResourceType.GROUP, "read the group pyconnect-reader"),
    ],
)
def test_a_right_on_what_is_our_own_that_is_missing_is_named(
    tmp_path: Path, broker: Cluster, guarded: Guarded, kind: ResourceType, cure: str
) -> None:
    worker = logging_in(tmp_path, broker, guarded)
    allow(broker.bootstrap, {**ALL, **records(worker.topic)})
    revoke(broker.bootstrap, kind)
    code, said, took = run(worker)
    assert code in (1, 2), said
    assert "the cluster does not allow it" in said
    assert cure in said
    assert "will be restarted" not in said
    assert took < 60


def revoke(bootstrap: str, kind: ResourceType) -> None:
    """Take away what the user may do with our own resources of a kind."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    every: Any = AclBindingFilter  # its stub wants text where None stands for any
    mine = every(
        kind, OWN, ResourcePatternType.PREFIXED, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    for future in client.delete_acls([mine]).values():
        future.result(30)


def test_a_wrong_password_is_said_soon_and_shown_nowhere(
    tmp_path: Path, broker: Cluster, guarded: Guarded
) -> None:
    wrong = "a-wrong-password"
    worker = logging_in(tmp_path, broker, guarded, wrong)
    code, said, took = run(worker, "--log-level", "debug")
    assert code == 2, said
    assert "sasl.username and sasl.password" in said
    assert wrong not in said
    assert took < SOON_SECONDS
    kept = [path for path in worker.data.rglob("*") if path.is_file()]
    assert all(wrong.encode() not in path.read_bytes() for path in kept)


def test_tls_with_the_authority_of_the_brokers(
    tmp_path: Path, broker: Cluster, guarded: Guarded
) -> None:
    """Its clients have no name here, and who has none may do everything."""
    kafka = {"security.protocol": "SSL", "ssl.ca.location": str(guarded.authority)}
    worker = Worker(tmp_path, guarded.tls, broker.bootstrap, kafka=kafka)
    create(broker.bootstrap, worker.topic, 3)
    with worker:
        worker.goes_on()
        worker.stop()
    worker.judge(at_least=500)


def test_tls_without_the_authority_says_what_to_set(
    tmp_path: Path, broker: Cluster, guarded: Guarded
) -> None:
    worker = Worker(tmp_path, guarded.tls, broker.bootstrap, kafka={"security.protocol": "SSL"})
    code, said, took = run(worker)
    assert code == 2, said
    assert "ssl.ca.location" in said
    assert took < SOON_SECONDS
