"""Named crash points: what arms them, and when they kill."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors_core.runtime import crash

KILLED = """
import sys, time
from connectors_core.runtime import crash
crash.arm(sys.argv[1])
crash.reach("pull")
crash.reach("acked")
print("first", flush=True)
began = time.monotonic()
crash.reach("pull")
"""


@pytest.mark.parametrize("text", ["pull:2", "pull:2:1"])
def test_the_armed_arrival_kills_and_none_before_it(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, text], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (-9, "first\n"), done.stderr


@pytest.mark.parametrize(
    "text", ["pull", "pull:", "pull:0", "pul:1", "pull:1:", "pull:1:x", "p:1:1:1"]
)
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"PYCONNECT_CRASH={text}: want point:n or point:n:ms"):
        crash.arm(text)
    assert not crash.armed()
