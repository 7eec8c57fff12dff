"""Every command that reads or changes the log does the same on a cluster as in a data directory."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors_core.cli.group import pyconnect


@pytest.fixture
def name(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connector of this test's own, and the working directory that has its files."""
    name = f"lines-{uuid.uuid4().hex[:8]}"
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("one\ntwo\nthree\n")
    Path("lines.yaml").write_text(
        f"name: {name}\nconnector.class: file-lines\npath: a.txt\nfollow: false\n"
        "producer.override: {queue.buffering.max.ms: 1, compression.codec: lz4}\n"
    )
    Path("worker.yaml").write_text(
        f"kafka: {{bootstrap.servers: '{kafka}', delivery.timeout.ms: 20000}}\n"
    )
    monkeypatch.setenv("PYCONNECT_WORKER", "worker.yaml")
    return name


def call(*words: str) -> Result:
    found = CliRunner().invoke(pyconnect, words, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found


def offset(name: str) -> dict[str, int]:
    (found,) = json.loads(call("offsets", "show", name, "--json").stdout)
    stored: dict[str, int] = found["offset"]
    return stored


@pytest.mark.parametrize("exactly_once", ["true", "false"])
def test_a_file_is_run_shown_exported_and_run_again_from_where_it_is_told(
    name: str, exactly_once: str
) -> None:
    with Path("lines.yaml").open("a") as file:
        file.write(f"exactly.once: {exactly_once}\n")
    call("run", "lines.yaml")
    call("run", "lines.yaml")
    lines = [json.loads(line) for line in call("export", name).stdout.splitlines()]
    assert [line["value"] for line in lines] == ["one", "two", "three"]
    assert call("tail", name, "-n", "1").stdout.rstrip().endswith('"three"')
    assert name in call("topics").stdout
    assert f"{name}-value" in call("schemas").stdout
    assert offset(name)["position"] == 14
    moved = json.dumps({**offset(name), "position": 8})
    call("offsets", "set", name, '{"path": "a.txt"}', moved, "--yes")
    call("run", "lines.yaml")
    assert [line.split()[-1] for line in call("tail", name).stdout.splitlines()] == [
        '"one"',
        '"two"',
        '"three"',
        '"three"',
    ]
    call("offsets", "reset", name, "--yes")
    assert name not in call("offsets", "show").stdout
    assert list(Path("pyconnect-data").glob("*.db")) == []
