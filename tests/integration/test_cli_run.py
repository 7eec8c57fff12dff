"""`pyconnect run` as a process: what it prints, how it ends, and how it is spoken to meanwhile."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PLUGIN = '''
import asyncio

from pydantic import Field

from connectors_core import Config, Record, Source, hookimpl


class CountConfig(Config):
    count: int = Field(25, description="How many numbers there are; -1 has no end.")
    fail_at: int = Field(-1, description="The number at which it breaks.")


class Count(Source[CountConfig]):
    """Counts, slowly if there is no end."""

    name = "count"

    async def read(self, partition, offset):
        n = offset["n"] if offset else 0
        while n != self.config.count:
            n += 1
            if n == self.config.fail_at:
                raise ValueError("planned")
            yield Record({"n": n}, offset={"n": n})
            if self.config.count < 0:
                await asyncio.sleep(0.01)


@hookimpl
def pyconnect_sources():
    return [Count]
'''
CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]


class Site:
    """A folder with a plugin file, connector files and a data directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[subprocess.Popen[str]] = []
        (folder / "count.py").write_text(PLUGIN)

    def connector(self, name: str, **options: Any) -> str:
        text = f"name: {name}\nconnector.class: count\n"
        text += "".join(f"{key.replace('__', '.')}: {value}\n" for key, value in options.items())
        (self.folder / f"{name}.yaml").write_text(text)
        return f"{name}.yaml"

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CALL, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [*CALL, "run", *words, "--plugin", "count.py"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child

    def until(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first connector's status as soon as it fits."""
        seen: Any = None
        for _ in range(300):
            done = self.call("status", "--json")
            if done.returncode == 0:
                seen = json.loads(done.stdout)["connectors"][0]
                if fits(seen):
                    return dict(seen)
            time.sleep(0.05)
        raise AssertionError(f"never fitted; last seen: {seen}, {done.stderr}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    for child in found.children:
        child.kill()
        child.communicate()


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_run_whose_sources_end_exits_with_0_and_a_summary(site: Site) -> None:
    done = site.call("run", site.connector("a"), "--plugin", "count.py", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = summary(done)["connectors"]
    assert found.pop("bytes") > 0
    assert found == {
        "name": "a",
        "state": "COMPLETED",
        "records": 25,
        "offsets": [{"partition": {}, "offset": {"n": 25}}],
        "errors": 0,
        "rejected": 0,
        "filtered": 0,
        "restarts": 0,
    }
    totals = summary(done)["totals"]
    assert (totals["records"], set(totals)) == (25, {"records", "bytes", "seconds"})


def test_what_was_run_can_be_listed_tailed_and_exported(site: Site) -> None:
    site.call("run", site.connector("a"), "--plugin", "count.py")
    exported = [json.loads(line) for line in site.call("export", "a").stdout.splitlines()]
    assert [line["value"]["n"] for line in exported] == list(range(1, 26))
    tailed = site.call("tail", "a", "-n", "1", "--format", "jsonl").stdout
    assert json.loads(tailed) == exported[-1]
    (offset,) = json.loads(site.call("offsets", "show", "--json").stdout)
    assert offset == {"connector": "a", "partition": {}, "offset": {"n": 25}}


def test_a_reset_connector_starts_again_and_a_moved_one_goes_on_from_there(site: Site) -> None:
    run = ("run", site.connector("a"), "--plugin", "count.py", "--json")
    site.call(*run)
    assert summary(site.call(*run))["totals"]["records"] == 0
    assert site.call("offsets", "set", "a", "{}", '{"n": 20}', "--yes").returncode == 0
    assert summary(site.call(*run))["totals"]["records"] == 5
    assert site.call("offsets", "reset", "a", "--yes").returncode == 0
    assert summary(site.call(*run))["totals"]["records"] == 25


def test_one_failed_connector_makes_the_exit_code_1_and_leaves_the_other_running(
    site: Site,
) -> None:
    bad = site.connector("bad", fail_at=10, restart__max=0)
    good = site.connector("good", count=-1)
    done = site.call("run", bad, good, "--plugin", "count.py", "--for", "5s", "--json")
    assert done.returncode == 1
    found = {each["name"]: each for each in summary(done)["connectors"]}
    assert (found["bad"]["state"], found["bad"]["records"]) == ("FAILED", 9)
    assert found["good"]["records"] > 9
    assert "bad: ValueError: planned" in done.stderr


def test_max_records_ends_the_run(site: Site) -> None:
    endless = site.connector("a", count=-1)
    done = site.call("run", endless, "--plugin", "count.py", "--max-records", "7", "--json")
    assert done.returncode == 0, done.stderr
    assert summary(done)["totals"]["records"] == 7


def test_a_mistake_in_one_file_starts_nothing(site: Site) -> None:
    good, bad = site.connector("good"), site.connector("bad", cuont=1)
    done = site.call("run", good, bad, "--plugin", "count.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bad.yaml:3: ")
    assert not (site.folder / "pyconnect-data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_commits_what_is_whole_and_exits_with_0(
    site: Site, number: signal.Signals
) -> None:
    child = site.start(site.connector("a", count=-1), "--json")
    site.until(lambda status: status["records"] > 0)
    child.send_signal(number)
    output, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors
    (found,) = json.loads(output.splitlines()[-1])["connectors"]
    stored = json.loads(site.call("offsets", "show", "--json").stdout)[0]["offset"]
    assert stored == {"n": found["records"]} == found["offsets"][0]["offset"]


def test_stderr_is_one_json_object_a_line_where_there_is_no_terminal(site: Site) -> None:
    done = site.call("run", site.connector("a"), "--plugin", "count.py")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states[-1] == "COMPLETED"
    assert all({"time", "level", "logger", "event"} <= set(event) for event in events)


def test_a_running_connector_can_be_paused_resumed_and_restarted(site: Site) -> None:
    site.start(site.connector("a", count=-1))
    site.until(lambda status: status["records"] > 0)
    assert site.call("pause", "a").returncode == 0
    held = site.until(lambda status: status["state"] == "PAUSED")["records"]
    assert site.call("resume", "a").returncode == 0
    site.until(lambda status: status["state"] == "RUNNING" and status["records"] > held)
    assert site.call("restart", "a").returncode == 0
    site.until(lambda status: status["state"] == "RUNNING" and status["records"] > held)
    refused = site.call("pause", "b")
    assert refused.returncode == 2
    assert "'b'" in refused.stderr


def test_the_health_check_knows_healthy_from_failed_from_absent(site: Site) -> None:
    absent = site.call("status", "--check")
    assert (absent.returncode, absent.stdout) == (1, "")
    assert "no worker runs" in absent.stderr
    assert site.call("status").returncode == 2
    bad = site.connector("bad", fail_at=10, restart__max=0)
    child = site.start(site.connector("good", count=-1))
    site.until(lambda status: status["state"] == "RUNNING")
    healthy = site.call("status", "--check")
    assert healthy.returncode == 0, healthy.stderr
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30)
    site.start(bad, "good.yaml")
    site.until(lambda status: status["state"] == "FAILED")
    failed = site.call("status", "--check")
    assert failed.returncode == 1
    assert "planned" in failed.stdout


def test_offsets_are_not_changed_under_a_running_worker(site: Site) -> None:
    site.start(site.connector("a", count=-1))
    site.until(lambda status: status["records"] > 0)
    refused = site.call("offsets", "reset", "a", "--yes")
    assert refused.returncode == 3
    assert "stop it, then try again" in refused.stderr
    second = site.call("run", "a.yaml", "--plugin", "count.py")
    assert second.returncode == 3
    assert "Traceback" not in second.stderr


def test_on_a_terminal_there_is_a_live_table(site: Site) -> None:
    leader, follower = pty.openpty()
    words = ["run", site.connector("prices", count=-1), "--plugin", "count.py", "--for", "5s"]
    with subprocess.Popen(
        [*CALL, *words],
        cwd=site.folder,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    ) as child:
        os.close(follower)
        drawn = b"".join(iter(lambda: _read(leader), b"")).decode()
        os.close(leader)
        child.communicate(timeout=30)
    assert child.returncode == 0
    for text in ("connector", "records/s", "lag or freshness", "prices", "RUNNING"):
        assert text in drawn
    assert '{"time"' not in drawn


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says EIO when the other side is closed
        return b""
