"""The worker and the registry, as their containers run them, on the brokers of the compose file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.compose.loopback import Loopback
from tests.compose.stack import COMPOSE, environment, service
from tests.kafka.broker import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PYCONNECT = str(Path(sys.executable).with_name("pyconnect"))
LINES = 200
SECONDS = 60.0


def variables(loopback: Loopback, name: str, data: Path) -> dict[str, str]:
    """Return the environment of a service, with the brokers where they are here."""
    path = f"{Path(PYCONNECT).parent}{os.pathsep}{os.environ['PATH']}"
    asked = {key: loopback.address(value) for key, value in environment(name).items()}
    return {"PATH": path, "HOME": str(data.parent), "PYCONNECT_DATA_DIR": str(data)} | asked


@contextmanager
def running(words: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a service; SIGTERM, as Docker sends it, must end it with 0."""
    process = subprocess.Popen(
        words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process, process.stderr:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            said = process.stderr.read()
            assert process.wait(30) == 0, said
        finally:
            process.kill()


def says(process: subprocess.Popen[str], word: str) -> None:
    """Wait until a process has said a word."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if word in line:
            return
    raise AssertionError(f"{word}: never said\n{''.join(lines)}")


def wait_for(records: int, environ: dict[str, str]) -> None:
    """Ask the worker until it has committed that many records."""
    deadline = time.monotonic() + SECONDS
    while True:
        done = subprocess.run(
            [PYCONNECT, "status", "--json"], env=environ, capture_output=True, text=True, check=True
        )
        if sum(each["records"] for each in json.loads(done.stdout)["connectors"]) == records:
            return
        assert time.monotonic() < deadline, done.stdout
        time.sleep(0.1)


def ask(url: str) -> object:
    """Ask the registry as Kafka UI does: by the name of its service."""
    asked = urllib.request.Request(url, headers={"Host": "registry:8081"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def test_the_worker_writes_and_the_registry_tells_what_it_wrote(
    loopback: Loopback, outside: str, tmp_path: Path
) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f'{{"number": {number}}}\n' for number in range(LINES)))
    files = tmp_path / "connectors"
    files.mkdir()
    (files / "lines.yaml").write_text(
        f"connector.class: file-lines\ntopic: numbers\npath: {lines}\nformat: json\n"
    )
    environ = variables(loopback, "worker", tmp_path / "worker")
    with running(
        ["sh", str(COMPOSE / "worker.sh")], environ | {"CONNECTORS": str(files)}
    ) as worker:
        says(worker, '"RUNNING"')
        wait_for(LINES, environ)
        healthy = [PYCONNECT, "status", "--check"]
        assert subprocess.run(healthy, env=environ, check=False).returncode == 0
    read = [PYCONNECT, "export", "numbers", "--kafka", outside]
    done = subprocess.run(read, capture_output=True, text=True, check=False, timeout=60)
    numbers = sorted(json.loads(line)["value"]["number"] for line in done.stdout.splitlines())
    assert numbers == list(range(LINES)), done.stderr

    port = str(free_ports(1)[0])
    words = [port if word == "8081" else word for word in service("registry")["command"]]
    with running([PYCONNECT, *words], variables(loopback, "registry", tmp_path / "registry")) as it:
        says(it, "schema registry")
        assert ask(f"http://127.0.0.1:{port}/subjects") == ["numbers-value"]
        found = ask(f"http://127.0.0.1:{port}/subjects/numbers-value/versions/latest")
        assert isinstance(found, dict) and "number" in found["schema"]
