"""A full disk, a store that is slower than its sources: nothing lost, nothing doubled, bounded."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hostile"))
from hostile_site import Site, a_site, until  # noqa: F401 - beside the hostile plugin

HERE = Path(__file__).parent
MIB = 1 << 20


@pytest.fixture
def small_disk(site: Site) -> Iterator[Path]:
    """A disk of 8 MiB where the data directory will be."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = site.data
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        for child in site.children:
            child.kill()
            child.communicate()
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("source", ["counts", "plain-counts"])
def test_a_full_disk_stops_the_sources_until_there_is_room(
    site: Site, small_disk: Path, source: str
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(5 * MIB))
    file = site.connector("a", source, count=1500, size=2000)
    child = site.start(file)
    found = site.until(lambda all_: "full" in all_["a"]["note"])
    assert found["a"]["state"] == "RUNNING"
    held = found["a"]["records"]
    assert held < 1500
    ballast.unlink()
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert "store is full" in errors
    assert "room again" in errors
    assert [value["n"] for value in site.values("a")] == list(range(1, 1501))


def test_a_worker_with_a_full_disk_ends_when_it_is_told(site: Site, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(5 * MIB))
    child = site.start(site.connector("a", "counts", count=-1, size=2000))
    site.until(lambda all_: all_["a"]["note"])
    child.terminate()
    before = time.monotonic()
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert time.monotonic() - before < 20
    (small_disk / "ballast").unlink()
    assert site.call("store", "check").returncode == 0


SLOW = """
import sys, time
from connectors_core.stores.embedded.slot import EmbeddedSlot
from connectors_core.cli import main
commit = EmbeddedSlot.commit
def slow(self, transaction):
    time.sleep(0.2)
    commit(self, transaction)
EmbeddedSlot.commit = slow
main()
"""


@pytest.mark.parametrize("converter", ["avro", "json"])
def test_memory_is_bounded_while_the_store_is_slow(site: Site, converter: str) -> None:
    options = {"count": -1, "size": 100_000, "read__ahead__bytes": "2MiB"}
    files = [
        site.connector(f"{source}-{n}", source, value__converter=converter, **options)
        for source in ("counts", "plain-counts")
        for n in range(2)
    ]
    child = site.start(*files, call=[sys.executable, "-c", SLOW])
    site.until(lambda all_: all(each["records"] for each in all_.values()))
    process = psutil.Process(child.pid)
    most = 0
    for _ in range(60):
        most = max(most, process.memory_info().rss)
        time.sleep(0.05)
    # Four tasks may hold 2 MiB each, and as much again is in the commit that is under way.
    assert most < 130 * MIB, f"{most / MIB:.0f} MiB"
    child.terminate()
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors


@pytest.mark.chaos
def test_values_that_wait_for_their_schema_are_bounded_too(site: Site) -> None:
    file = site.connector("a", "counts", count=90, size=4_000_000, read__ahead__bytes="8MiB")
    child = site.start(file)
    process = psutil.Process(child.pid)
    most = 0
    while child.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.01)
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    assert most < 200 * MIB, f"{most / MIB:.0f} MiB"
    until(lambda: len(site.values("a")), lambda count: count == 90)
