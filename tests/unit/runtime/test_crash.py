"""Crash points: the process dies at exactly the arrival that was asked for."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from connectors_core.runtime import crash
from connectors_core.runtime.chain import run_chain
from tests.unit.runtime.test_units import numbers

CHILD = """
import sys
from connectors_core.runtime import crash

crash.arm(sys.argv[1])
for n in range(1, 10):
    print(n, flush=True)
    crash.reach("pull")
    crash.reach("encode")
"""


@pytest.fixture(autouse=True)
def disarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be armed before or after."""
    monkeypatch.setattr(crash, "_armed", {})


@pytest.mark.parametrize("text", ["encode:3", "encode:3:1"])
def test_the_process_is_killed_at_the_arrival_that_was_asked_for(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, text], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pull",
        "pull:",
        "pull:0",
        "pull:-1",
        "pull:x",
        "lunch:1",
        "pull:1:",
        "pull:1:x",
        "pull:1:1:1",
    ],
)
def test_what_names_no_arrival_is_refused_and_the_points_are_told(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"want point:n or point:n:ms, point of pull, transform, .*, acked"
    ):
        crash.arm(text)
    assert not crash.armed()


def test_other_arrivals_pass() -> None:
    crash.arm("transform:3")
    for record in numbers(2):
        run_chain((), record)
    crash.reach("acked")
    assert crash.armed()


def test_arrivals_are_counted_point_by_point_and_none_kills() -> None:
    crash.count()
    for record in numbers(5):
        run_chain((), record)
    crash.reach("begin")
    found = crash.arrivals()
    assert tuple(found) == crash.EVERYWHERE
    assert {point: n for point, n in found.items() if n} == {"transform": 5, "begin": 1}
