"""A broker whose disk is full dies, or gives its log up; the worker goes on with the others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.brokers_worker import Worker
from tests.kafka.cluster import Cluster, metadata

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="NO FULL DISK: only root may mount a small one"),
]
NODE = 3
SIZE = "64m"


@pytest.fixture
def small_disk(cluster: Cluster) -> Iterator[Path]:
    """The folder of one broker on a disk of its own."""
    data = cluster.brokers[NODE].data
    cluster.stop(NODE)
    kept = data.with_name("kept")
    data.rename(kept)
    data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", data], check=False
    )
    if mounted.returncode:
        pytest.skip("NO FULL DISK: nothing can be mounted here")
    try:
        shutil.copytree(kept, data, dirs_exist_ok=True)
        cluster.restart(NODE)
        yield data
    finally:
        if NODE in cluster.running:
            cluster.kill(NODE)
        subprocess.run(["umount", data], check=True)


def fill(disk: Path) -> Path:
    """Write until there is no room; return the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
    # A broker that lives may delete something meanwhile.
    assert shutil.disk_usage(disk).free < 1 << 20
    return ballast


def test_the_worker_goes_on_while_the_disk_of_a_broker_is_full(
    cluster: Cluster, small_disk: Path, tmp_path: Path
) -> None:
    worker = Worker(tmp_path, cluster.bootstrap, padding=500)
    worker.make_topic()
    cluster.until(
        lambda: all(cluster.isr(worker.topic, each) == {1, 2, 3} for each in range(3)), "in sync"
    )
    with worker:
        worker.goes_on()
        ballast = fill(small_disk)
        cluster.until(lambda: NODE not in healthy(cluster, worker), "without the broker")
        worker.goes_on()
        ballast.unlink()
        cluster.kill(NODE)
        cluster.restart(NODE)
        cluster.until(lambda: healthy(cluster, worker) == {1, 2, 3}, "in sync again")
        worker.goes_on()
        worker.stop()
    count = worker.judge(at_least=1_000)
    print(f"disk full: longest stall {worker.longest:.1f} s, {count} records")


def healthy(cluster: Cluster, worker: Worker) -> set[int]:
    """Return the brokers that are in sync in every partition, as the others say."""
    others = ",".join(each.address for node, each in cluster.brokers.items() if node != NODE)
    found = metadata(others, worker.topic)
    return set.intersection(*(set(found[each].isrs) for each in range(3)))
