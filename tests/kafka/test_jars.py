"""Kafka's jars are fetched once, whole or not at all, and what is missing is said."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kafka.jars import MissingToolError, jars, java, version

ROOT = Path(__file__).parents[2]
MAVEN = """#!/bin/sh
for each; do case "$each" in -DoutputDirectory=*) output="${each#*=}";; esac; done
echo called >> "$CALLS"
mkdir "$output" && touch "$output/first.jar" && sleep 0.5 && touch "$output/kafka_2.13-0.jar"
exit ${FAULT:-0}
"""


def command(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven that needs half a second for two jars, and notes that it was called."""
    command(tmp_path / "bin", "mvn", MAVEN)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PYCONNECT_KAFKA_JARS", str(tmp_path / "cache" / "lib"))
    return tmp_path


def test_kafkas_version_is_pinned_in_the_pom() -> None:
    assert version() == "4.3.1"


def test_two_that_need_the_jars_at_once_fetch_them_once(maven: Path) -> None:
    script = (
        "from tests.kafka.jars import jars; print(*sorted(jar.name for jar in jars().iterdir()))"
    )

    def fetched(_: int) -> str:
        return subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(fetched, range(3))) == {"first.jar kafka_2.13-0.jar\n"}
    assert (maven / "calls").read_text() == "called\n"


def test_a_maven_that_fails_leaves_nothing(maven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULT", "1")
    with pytest.raises(RuntimeError, match=r"pom\.xml: Maven could not resolve it"):
        jars()
    assert [each.name for each in (maven / "cache").iterdir()] == [".lib.lock"]
    monkeypatch.delenv("FAULT")
    assert len(list(jars().iterdir())) == 2


def test_a_folder_of_something_else_is_not_overwritten(maven: Path) -> None:
    other = maven / "cache" / "lib" / "thesis.txt"
    other.parent.mkdir(parents=True)
    other.touch()
    with pytest.raises(RuntimeError, match="is there, but has no jars of Kafka"):
        jars()
    assert other.exists()


def test_a_missing_maven_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYCONNECT_KAFKA_JARS", str(tmp_path / "lib"))
    with pytest.raises(MissingToolError, match="PATH: has no mvn"):
        jars()


def test_a_missing_or_old_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MissingToolError, match="PATH: has no java"):
        java()
    command(tmp_path / "bin", "java", "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    with pytest.raises(
        MissingToolError, match=r"is openjdk version \"11\.0\.2\"\. Install Java 17"
    ):
        java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(MissingToolError, match=r"JAVA_HOME=.*gone: has no java"):
        java()


def run_one_test(**environment: str) -> str:
    """Run the first test of the harness where there is neither Java nor Maven."""
    kept = {key: each for key, each in os.environ.items() if key not in {"CI", "JAVA_HOME"}}
    kept.pop("PYCONNECT_TEST_KAFKA", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "comes_out_whole", "tests/kafka/test_harness.py"],
        cwd=ROOT,
        env={**kept, "PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.slow
def test_without_java_tests_are_skipped_aloud_and_fail_in_ci() -> None:
    skipped, failed = run_one_test(), run_one_test(CI="true")
    assert "SKIPPED [1]" in skipped and "NO REAL KAFKA: PATH: has no java" in skipped
    assert "1 error" in failed and "NO REAL KAFKA: PATH: has no java" in failed


@pytest.mark.slow
def test_a_cluster_that_is_there_is_used(kafka: str) -> None:
    assert "1 passed" in run_one_test(PYCONNECT_TEST_KAFKA=kafka)
