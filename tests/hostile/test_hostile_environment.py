"""Odd environments: a clear refusal, or work as usual."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hostile_site import CALL, PLUGIN, Site, a_site, failures, summary  # noqa: F401


def filled(site: Site) -> tuple[str, Path]:
    """Return a connector's file and the log in which it has 50 records; the log is closed."""
    file = site.connector("a", "counts", count=50)
    assert site.run(file).returncode == 0
    return file, site.data / "log.db"


def flip_the_middle(log: Path) -> None:
    data = bytearray(log.read_bytes())
    data[4096 : len(data) - 4096] = os.urandom(len(data) - 8192)
    log.write_bytes(bytes(data))


def cut_the_end(log: Path) -> None:
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])


def write_text(log: Path) -> None:
    log.write_text("dear diary, " * 500)


def make_newer(log: Path) -> None:
    with sqlite3.connect(log) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("harm", [flip_the_middle, cut_the_end, write_text, make_newer])
def test_a_damaged_or_foreign_log_is_refused_with_a_cure_and_left_as_it_is(
    site: Site, harm: Callable[[Path], None]
) -> None:
    file, log = filled(site)
    harm(log)
    with sqlite3.connect(":memory:"):
        before = log.read_bytes()
    done = site.run(file)
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        # A log that was closed in order is not read through at every start.
        assert harm is flip_the_middle or harm is cut_the_end
        assert site.call("store", "check").returncode != 0
        return
    assert done.returncode in (1, 3), done.stderr
    assert "log.db" in done.stderr
    assert log.read_bytes()[:4096] == before[:4096]


def test_a_data_directory_that_is_a_file_is_refused(site: Site) -> None:
    site.data.write_text("mine")
    done = site.run(site.connector("a", "counts"))
    assert done.returncode in (2, 3)
    assert "data" in done.stderr
    assert site.data.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_can_not_be_written_is_refused(site: Site) -> None:
    site.data.mkdir(mode=0o500)
    done = site.run(site.connector("a", "counts"))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_few_open_files_are_enough(site: Site) -> None:
    files = [site.connector(f"c{n}", "counts", count=20) for n in range(40)]
    limit = (64, 64)
    done = site.run(*files, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    assert done.returncode == 0, done.stderr[-2000:]
    assert {each["records"] for each in summary(done.stdout).values()} == {20}


def test_an_empty_environment_is_enough(site: Site) -> None:
    done = site.run(site.connector("a", "counts"), env={})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_standard_streams_do_not_matter(site: Site, closed: str) -> None:
    file = site.connector("a", "counts", count=20)
    words = " ".join(f"'{word}'" for word in CALL)
    line = f"{words} run {file} --plugin '{PLUGIN}' --data-dir data {closed}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=site.folder, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert len(site.values("a")) == 20
    site.sound()


def test_a_reader_that_has_seen_enough_is_no_failure(site: Site) -> None:
    file, _ = filled(site)
    for words in (f"run {file} --plugin '{PLUGIN}'", "export a"):
        call = " ".join(f"'{word}'" for word in CALL)
        line = f"{call} {words} --data-dir data 2>err | head -0; cat err"
        done = subprocess.run(
            ["sh", "-c", line], cwd=site.folder, capture_output=True, check=False, timeout=60
        )
        assert b"Traceback" not in done.stdout
        assert b"Broken" not in done.stdout


def test_a_log_that_is_removed_under_a_worker_ends_its_connectors_and_says_so(site: Site) -> None:
    child = site.start(site.connector("a", "counts", count=-1, pause=0.01, restart__max=-1))
    site.until(lambda all_: all_["a"]["records"] > 10)
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (site.data / name).unlink(missing_ok=True)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 1, errors
    text, code = failures(errors)["a"]
    assert code == "store.gone"
    assert "removed or replaced" in text
    assert site.run("a.yaml", "--max-records", "20").returncode == 0
    assert site.values("a") == [{"n": n} for n in range(1, 21)]
