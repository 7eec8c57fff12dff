"""CI sees what was skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import ALLOWED

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason="never mind")
def test_marked(): ...

@pytest.mark.parametrize("n", [1, 2])
def test_within(n):
    if n == 2:
        pytest.skip("no n of 2")

@pytest.fixture
def tool():
    pytest.skip("no tool")

def test_needs(tool): ...

@pytest.mark.xfail
def test_known():
    assert False

def test_runs(): ...
"""
NAMES = ("test_some.py::test_marked", "test_some.py::test_within", "test_some.py::test_needs")


def run(folder: Path, *allowed: str) -> tuple[int, str]:
    """Run the tests above where these may be skipped; return pytest's exit code and its output."""
    (folder / "test_some.py").write_text(TESTS)
    (folder / "may-skip.txt").write_text("".join(f"{name}  # why\n" for name in allowed))
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {**os.environ, ALLOWED: "may-skip.txt", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_what_is_named_may_be_skipped(tmp_path: Path) -> None:
    code, said = run(tmp_path, *NAMES)
    assert code == 0, said
    assert "not named" not in said


@pytest.mark.parametrize(
    ("missing", "reason"),
    list(zip(NAMES, ("never mind", "no n of 2", "no tool"), strict=True)),
    ids=["marked", "within", "fixture"],
)
def test_what_is_not_named_fails_the_session(tmp_path: Path, missing: str, reason: str) -> None:
    code, said = run(tmp_path, *(name for name in NAMES if name != missing))
    assert code == 1, said
    [line] = [line for line in said.splitlines() if "not named" in line]
    assert line.startswith(missing)
    assert reason in line


def test_a_module_that_is_skipped_as_a_whole_is_seen(tmp_path: Path) -> None:
    (tmp_path / "test_whole.py").write_text(
        "import pytest\npytest.skip('no module', allow_module_level=True)\n"
    )
    code, said = run(tmp_path, *NAMES)
    assert code == 1
    assert "test_whole.py: skipped" in said
