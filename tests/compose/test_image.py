"""The worker's image: its Dockerfile is clean, and what it builds runs."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.stack import COMPOSE, ROOT, service, tool

DOCKERFILE = COMPOSE / "Dockerfile"
PREFIX = "/opt/pyconnect"


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, lines joined and comments left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [(word, rest) for word, _, rest in (each.partition(" ") for each in joined.splitlines())]


STEPS = instructions(DOCKERFILE.read_text())
SECOND = [at for at, (word, _) in enumerate(STEPS) if word == "FROM"][1]
BUILD, FINAL = STEPS[:SECOND], STEPS[SECOND:]
VARIABLES = dict(each.split("=", 1) for each in shlex.split(dict(FINAL)["ENV"]))


def lint(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("hadolint"), "--no-color", str(file)], capture_output=True, text=True, check=False
    )


def test_hadolint_finds_nothing() -> None:
    done = lint(DOCKERFILE)
    assert done.returncode == 0, done.stdout


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text().replace("python:3", "python:latest #", 1))
    assert "DL3007" in lint(broken).stdout


def test_both_stages_have_the_same_python_with_its_version() -> None:
    images = [rest.split()[0] for word, rest in STEPS if word == "FROM"]
    assert len(images) == 2 and len(set(images)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", images[0])


def test_the_worker_is_nobody_in_particular() -> None:
    words = dict(FINAL)
    user, _, group = words["USER"].partition(":")
    assert int(user) > 1000 and int(group) > 1000
    (run,) = [rest for word, rest in FINAL if word == "RUN"]
    assert f"--uid {user} " in run and f"--owner={user} --group={group} --mode=0700" in run
    after = FINAL[[word for word, _ in FINAL].index("USER") :]
    assert not {"RUN", "COPY"} & {word for word, _ in after}


def test_it_is_healthy_by_pyconnects_own_word_on_the_directory_of_the_volume() -> None:
    (check,) = [rest for word, rest in FINAL if word == "HEALTHCHECK"]
    assert check.endswith('CMD ["pyconnect", "status", "--check"]')
    assert "healthcheck" not in service("worker")
    directory = VARIABLES["PYCONNECT_DATA_DIR"]
    assert f"WorkerVolume:{directory}" in service("worker")["volumes"]
    (run,) = [rest for word, rest in FINAL if word == "RUN"]
    assert run.endswith(f"--mode=0700 {directory}")


def test_every_plugin_is_installed() -> None:
    (run,) = [rest for word, rest in BUILD if word == "RUN"]
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        assert f"./plugins/{path.parent.name}" in shlex.split(run)


def context(target: Path) -> None:
    """Copy what the build gets: what COPY names, less what .dockerignore holds back."""
    rules = (COMPOSE / "Dockerfile.dockerignore").read_text().split()
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    dropped = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    for word, rest in BUILD:
        if word == "COPY":
            *sources, place = shlex.split(rest)
            for source in sources:
                assert source in kept, f"{source}: .dockerignore holds it back"
                if (ROOT / source).is_dir():
                    shutil.copytree(
                        ROOT / source, target / place, ignore=shutil.ignore_patterns(*dropped)
                    )
                else:
                    shutil.copy(ROOT / source, target / place)


def test_nothing_but_what_is_installed_gets_into_the_build(tmp_path: Path) -> None:
    context(tmp_path)
    names = {path.name for path in tmp_path.rglob("*")}
    assert {path.name for path in tmp_path.iterdir()} == {
        "LICENSE", "README.md", "connectors_core", "plugins", "pyproject.toml",
    }  # fmt: skip
    assert not fnmatch.filter(names, "__pycache__") and "tests" not in names


@pytest.mark.chaos  # a minute of installing
@pytest.mark.timeout(600)
def test_the_build_stage_makes_a_worker_that_starts_is_healthy_and_stops(tmp_path: Path) -> None:
    """Its own commands, in a folder that holds no more than the build would."""
    source, prefix, data = tmp_path / "src", tmp_path / "opt", tmp_path / "data"
    source.mkdir()
    context(source)
    (run,) = [rest for word, rest in BUILD if word == "RUN"]
    binaries = tmp_path / "python"
    binaries.mkdir()
    (binaries / "python").symlink_to(Path(sys.executable).resolve())
    environ = os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    script = run.replace(PREFIX, str(prefix))
    built = subprocess.run(
        ["sh", "-euc", script], cwd=source, env=environ, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr

    (tmp_path / "lines.txt").write_text("one\n")
    connector = tmp_path / "lines.yaml"
    connector.write_text(f"connector.class: file-lines\npath: {tmp_path / 'lines.txt'}\n")
    command = str(prefix / "bin" / "pyconnect")
    environ["PYCONNECT_DATA_DIR"] = str(data)
    worker = subprocess.Popen(
        [command, "run", str(connector), "--log-format", "json"],
        env=environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stderr is not None
    healthy = [command, "status", "--check"]
    with worker, worker.stderr:
        assert any('"RUNNING"' in line for line in worker.stderr), "it never ran"
        assert subprocess.run(healthy, env=environ, check=False).returncode == 0
        worker.send_signal(signal.SIGTERM)
        worker.stderr.read()
    assert worker.returncode == 0
    assert subprocess.run(healthy, env=environ, check=False).returncode == 1
