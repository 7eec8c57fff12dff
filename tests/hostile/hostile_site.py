"""Starts `pyconnect` as a process on hostile plugins, and reads back what it said and stored."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PLUGIN = HERE / "hostile_plugin.py"
CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
SECONDS = 60.0


class Site:
    """A folder with connector files and a data directory; ends the processes it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.children: list[subprocess.Popen[str]] = []

    def connector(self, name: str, source: str, **options: Any) -> str:
        """Write a connector's file; `__` in a name stands for a point."""
        given = {"name": name, "connector.class": source, "restart.max": 0}
        given |= {key.replace("__", "."): each for key, each in options.items()}
        lines = (f"{key}: {json.dumps(each)}\n" for key, each in given.items())
        (self.folder / f"{name}.yaml").write_text("".join(lines))
        return f"{name}.yaml"

    def call(self, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        given = {"check": False, "capture_output": True, "text": True, "timeout": SECONDS, **how}
        return subprocess.run(  # noqa: PLW1510 - check is in `given`
            [*CALL, *words, "--data-dir", "data"], cwd=self.folder, **given
        )

    def run(self, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run connectors to their end."""
        return self.call("run", *words, "--plugin", str(PLUGIN), "--json", **how)

    def start(
        self, *words: str, call: list[str] | None = None, **how: Any
    ) -> subprocess.Popen[str]:
        """Start a worker and leave it running."""
        words = ("run", *words, "--plugin", str(PLUGIN), "--json", "--data-dir", "data")
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
        child = subprocess.Popen([*(call or CALL), *words], cwd=self.folder, **given)
        self.children.append(child)
        return child

    def status(self) -> dict[str, dict[str, Any]]:
        """Return the running worker's connectors by name; none if it does not answer."""
        from connectors_core.api.errors import PyconnectError
        from connectors_core.app import control

        try:
            return {each["name"]: each for each in control(self.data, "status")["connectors"]}
        except PyconnectError:
            return {}

    def until(
        self, fits: Callable[[dict[str, dict[str, Any]]], Any], seconds: float = SECONDS
    ) -> dict[str, dict[str, Any]]:
        """Return the status as soon as it fits."""
        return until(self.status, lambda found: bool(found) and fits(found), seconds)

    def export(self, topic: str) -> list[dict[str, Any]]:
        """Return the records of a topic, as `export` writes them."""
        done = self.call("export", topic)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def values(self, topic: str) -> list[Any]:
        return [record["value"] for record in self.export(topic)]

    def offset(self, connector: str) -> Any:
        """Return the one committed offset of a connector."""
        done = self.call("offsets", "show", connector, "--json")
        (found,) = json.loads(done.stdout)
        return found["offset"]

    def sound(self) -> None:
        """Assert that the log is whole."""
        done = self.call("store", "check")
        assert done.returncode == 0, done.stdout + done.stderr


def until(look: Callable[[], Any], fits: Callable[[Any], Any], seconds: float = SECONDS) -> Any:
    """Look until it fits, and return what was seen."""
    deadline = time.monotonic() + seconds
    seen = look()
    while not fits(seen):
        assert time.monotonic() < deadline, f"never fitted; last seen: {seen}"
        time.sleep(0.02)
        seen = look()
    return seen


def summary(output: str) -> dict[str, dict[str, Any]]:
    """Return the connectors of the last line of stdout, by name."""
    return {each["name"]: each for each in json.loads(output.splitlines()[-1])["connectors"]}


def failures(errors: str) -> Mapping[str, tuple[str, str]]:
    """Return text and code of every connector that was reported as FAILED at the end."""
    found = {}
    for line in errors.splitlines():
        name, colon, text = line.partition(": ")
        if colon and not line.startswith("{") and text.endswith(")"):
            text, _, code = text.rpartition(" (")
            found[name] = (text, code.removesuffix(")"))
    return found


@pytest.fixture(name="site")
def a_site(tmp_path: Path) -> Iterator[Site]:
    """A folder of its own for each test."""
    made = Site(tmp_path)
    yield made
    for child in made.children:
        child.kill()
        child.communicate()
