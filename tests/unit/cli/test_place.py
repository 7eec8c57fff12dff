"""`--kafka`, `--worker` and `--data-dir`: every command takes them, and says what it can't do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from connectors_core.api.errors import StoreError
from connectors_core.app import Asked, KafkaPlace, LogPlace, find_place, owned_store
from connectors_core.cli.group import COMMANDS, pyconnect
from connectors_core.stores.embedded import FILE_NAME, EmbeddedStore

SECRET = "hunter2-canary"
WITHOUT_A_LOG = {"plugins", "contract", "new", "completion", "version"}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KAFKA", "WORKER", "DATA_DIR"):
        monkeypatch.delenv(f"PYCONNECT_{name}", raising=False)


def call(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(pyconnect, words, env=environ, catch_exceptions=False)


def commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        assert found is not None
        yield name, found


def test_every_command_that_has_a_log_or_a_worker_takes_all_three_options() -> None:
    seen = 0
    for name, command in commands(pyconnect):
        if name in WITHOUT_A_LOG:
            continue
        inner = list(commands(command)) if isinstance(command, click.Group) else [(name, command)]
        for path, each in inner:
            taken = {option for param in each.params for option in param.opts}
            assert {"--kafka", "--worker", "--data-dir"} <= taken, f"{name} {path}"
            seen += 1
    assert seen >= len(COMMANDS) - len(WITHOUT_A_LOG)


def test_the_environment_says_where_the_log_is(prices: Any, tmp_path: Path) -> None:
    assert "prices" in call("topics", PYCONNECT_DATA_DIR=str(prices.data_dir)).stdout
    file = tmp_path / "worker.yaml"
    file.write_text(f"data.dir: {prices.data_dir}\n")
    assert "prices" in call("topics", "--worker", str(file)).stdout
    assert "prices" in call("topics", PYCONNECT_WORKER=str(file)).stdout
    assert call("topics").exit_code == 2


def test_a_mistake_in_the_settings_ends_with_2_and_its_place(tmp_path: Path) -> None:
    (tmp_path / "worker.yaml").write_text(f"kafka:\n  sasl.pasword: {SECRET}\n")
    for words in (["topics"], ["check"], ["run", "lines.yaml"], ["tail", "t"]):
        found = call(*words, "--worker", "worker.yaml")
        assert found.exit_code == 2
        assert found.stderr.startswith("worker.yaml:2: kafka.sasl.pasword: ")
        assert SECRET not in found.output


def test_check_looks_at_the_worker_s_settings_alone_or_with_files(tmp_path: Path) -> None:
    (tmp_path / "worker.yaml").write_text("kafka.bootstrap.servers: a:1\n")
    found = call("check", "--worker", "worker.yaml")
    assert (found.exit_code, found.stderr) == (0, "ok: Kafka at a:1, by worker.yaml:1.\n")
    (tmp_path / "lines.yaml").write_text(
        "connector.class: file-lines\npath: a\nproducer.override.delivery.timeout.ms: 60001\n"
    )
    assert call("check", "lines.yaml").exit_code == 0
    found = call("check", "lines.yaml", "--worker", "worker.yaml")
    assert found.exit_code == 2
    assert found.stderr.startswith("lines.yaml:3: producer.override.delivery.timeout.ms: is 60001")
    assert call("check").exit_code == 2


def test_the_playground_never_writes_to_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "lines.yaml").write_text("connector.class: file-lines\npath: a\n")
    found = call("run", "lines.yaml", "--playground", PYCONNECT_KAFKA="127.0.0.1:1")
    assert found.exit_code == 2
    assert "--playground keeps its records in a data directory, and PYCONNECT_KAFKA names" in (
        found.stderr
    )
    assert not (tmp_path / "pyconnect-data").exists()


def test_store_check_is_not_for_a_cluster() -> None:
    found = call("store", "check", "--kafka", "127.0.0.1:1")
    assert found.exit_code == 2 and "the log is on Kafka, as --kafka says" in found.stderr


def test_what_asks_the_worker_needs_its_data_directory_alone(tmp_path: Path) -> None:
    (tmp_path / "worker.yaml").write_text(
        "kafka: {bootstrap.servers: 'a:1', sasl.password: '${file:/nowhere}'}\ndata.dir: there\n"
    )
    (tmp_path / "there").mkdir()
    for words in (["status"], ["pause", "x"], ["resume", "x"], ["restart", "x"]):
        found = call(*words, "--worker", "worker.yaml")
        assert "no worker runs in there." in found.stderr, found.stderr


def kafka(address: str = "127.0.0.1:1") -> KafkaPlace:
    found = find_place(Asked(kafka=address)).kafka
    assert found is not None
    return found


def test_a_worker_on_a_cluster_is_refused_a_directory_that_another_worker_has(
    tmp_path: Path,
) -> None:
    """Also one of an embedded log: both have their control socket there."""
    data = tmp_path / "data"
    held = EmbeddedStore(data / FILE_NAME)
    try:
        with (
            pytest.raises(StoreError, match=rf"^{data}: in use by process") as caught,
            owned_store(LogPlace(data, kafka())),
        ):
            raise AssertionError
        assert caught.value.code == "store.locked"
    finally:
        held.close()


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_ends_with_3_and_its_address(tmp_path: Path) -> None:
    """The directory is there by then, for its owner alone, and free again."""
    (tmp_path / "lines.yaml").write_text("connector.class: file-lines\npath: a\n")
    found = call("run", "lines.yaml", "--kafka", "127.0.0.1:1")
    assert found.exit_code == 3
    assert found.stderr.startswith("127.0.0.1:1: ") and found.stderr.count("\n") == 1
    assert (tmp_path / "pyconnect-data").stat().st_mode & 0o777 == 0o700
    EmbeddedStore(tmp_path / "pyconnect-data" / FILE_NAME).close()


def test_kafkas_client_is_loaded_only_where_kafka_is_named(prices: Any, tmp_path: Path) -> None:
    (tmp_path / "lines.yaml").write_text(
        "connector.class: file-lines\npath: a\nfollow: false\nproducer.override.linger.ms: 5\n"
    )
    (tmp_path / "a").write_text("one\n")
    script = """
import sys
from click.testing import CliRunner
from connectors_core.cli.group import pyconnect
for words in (["--help"], ["topics", "--data-dir", sys.argv[1]], ["check", "lines.yaml"], ["run", "lines.yaml"]):
    done = CliRunner().invoke(pyconnect, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
assert "confluent_kafka" not in sys.modules, words
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(prices.data_dir)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
