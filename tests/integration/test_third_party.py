"""A plugin of a third party: written by `pyconnect new`, installed as a wheel beside a wheel of the
core, in an environment that has never seen this checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
NAME = "json-items"
MODULE = "pyconnect_json_items"


class Stranger:
    """One who has Python, pip's settings, and nothing of pyconnect but a wheel of the core."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        kept = {name for name in os.environ if name.startswith("PIP_")} | {"LANG", "TMPDIR"}
        self.environ = {name: os.environ[name] for name in kept if name in os.environ}
        # The constraint keeps a distribution of that name on some index from being taken instead.
        self.environ |= {
            "HOME": str(folder / "home"),
            "PATH": f"{folder}/venv/bin{os.pathsep}{os.defpath}",
            "PIP_CONSTRAINT": str(folder / "constraints.txt"),
        }
        core = self.wheel(ROOT, sys.executable)
        (folder / "constraints.txt").write_text(f"connectors-core @ {core.as_uri()}\n")
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.done("pip", "install", "--quiet", core)

    def wheel(self, source: Path, python: str = "python") -> Path:
        """Build a wheel as it would be published."""
        wheels = self.folder / "wheels" / source.name
        words = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, source)
        environ = {name: each for name, each in self.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run([python, *words], check=True, cwd=self.folder, env=environ)
        (made,) = wheels.glob("*.whl")
        return made

    def new(self, name: str) -> Path:
        """Write a package with the installed `pyconnect new`."""
        self.done("pyconnect", "new", "source", name)
        return self.folder / f"pyconnect-{name}"

    def install(self, folder: Path) -> None:
        """Install a package from its wheel; what it needs is there."""
        self.done("pip", "install", "--quiet", "--no-deps", self.wheel(folder))

    def call(self, *words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words: str | Path, cwd: Path | None = None) -> str:
        """Run what must end well; return what it wrote to stdout."""
        result = self.call(*words, cwd=cwd)
        assert result.returncode == 0, f"{words}\n{result.stdout}{result.stderr}"
        return result.stdout

    def plugins(self) -> dict[str, Any]:
        found = json.loads(self.done("pyconnect", "plugins", "--json"))
        return {each["name"]: each for each in found}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Give one environment to all tests here, with the plugin and what its own tests need."""
    stranger = Stranger(tmp_path_factory.mktemp("stranger"))
    wheel = stranger.wheel(stranger.new(NAME))
    stranger.done("pip", "install", "--quiet", f"{wheel}[test]")
    return stranger


@pytest.fixture
def folder(stranger: Stranger) -> Path:
    return stranger.folder / f"pyconnect-{NAME}"


def test_nothing_of_the_checkout_is_seen(stranger: Stranger) -> None:
    code = f"import connectors_core, {MODULE}, sys; print(sys.path, connectors_core, {MODULE})"
    said = stranger.done("python", "-c", code)
    assert str(ROOT) not in said
    assert said.count(f"{stranger.folder}/venv/lib") == 3


def test_it_is_listed_and_checked(stranger: Stranger, folder: Path) -> None:
    mine = stranger.plugins()[NAME]
    assert (mine["distribution"], mine["version"]) == (f"pyconnect-{NAME}", "0.1.0")
    checked = json.loads(stranger.done("pyconnect", "plugins", "check", "--json"))
    assert (NAME, "source", None) in [(x["name"], x["kind"], x["error"]) for x in checked]
    assert "1 of 1 files" in stranger.call("pyconnect", "check", folder / f"{NAME}.yaml").stderr


def test_it_runs_in_the_playground(stranger: Stranger, folder: Path) -> None:
    data = stranger.folder / "data"
    words = ("--playground", "--for", "3s", "--data-dir", data)
    stranger.done("pyconnect", "run", f"{NAME}.yaml", *words, cwd=folder)
    listed = stranger.done("pyconnect", "topics", "--json", "--data-dir", data / "playground")
    assert [(each["name"], each["records"]) for each in json.loads(listed)] == [(NAME, 20)]


def test_it_keeps_the_contract(stranger: Stranger) -> None:
    report = json.loads(stranger.done("pyconnect", "contract", NAME, "--level", "full", "--json"))
    (contract,) = report["contracts"]
    assert report["passed"] and (contract["plugin"], contract["level"]) == (NAME, "full")
    outcomes = [each["outcome"] for each in contract["verdicts"]]
    assert outcomes.count("passed") >= 20
    assert set(outcomes) == {"passed", "skipped"}


def test_it_survives_kills(stranger: Stranger) -> None:
    """Some of the kills: `pyconnect contract NAME --level crash` makes all, and takes minutes."""
    words = ("--level", "crash", "--shard", "1/20", "--json")
    report = json.loads(stranger.done("pyconnect", "contract", NAME, *words))
    verdicts = {each["law"]: each for each in report["contracts"][0]["verdicts"]}
    assert verdicts["survives_a_kill_at_every_point"]["outcome"] == "passed"


def test_its_own_tests_and_checkers_pass(stranger: Stranger, folder: Path) -> None:
    assert " passed" in stranger.done("pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=folder)
    stranger.done("mypy", "--strict", MODULE, "tests", cwd=folder)
    stranger.done("ruff", "check", ".", cwd=folder)


def test_what_is_uninstalled_is_gone_and_said_to_be(stranger: Stranger) -> None:
    folder = stranger.new("json-gone")
    stranger.install(folder)
    assert "json-gone" in stranger.plugins()
    stranger.done("pip", "uninstall", "--quiet", "--yes", "pyconnect-json-gone")
    assert "json-gone" not in stranger.plugins()
    result = stranger.call("pyconnect", "run", "json-gone.yaml", "--playground", cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert "json-gone.yaml:1: connector.class: there is no source 'json-gone'" in result.stderr
    assert "Traceback" not in result.stderr


BROKEN = {
    "newer": ("name, testing", "contract = 99\n    name, testing", "needs contract 99, this conn"),
    "half": ("import asyncio\n", "import asyncio, not_there\n", "No module named 'not_there'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_cant_be_used_says_why_and_hurts_no_other(
    stranger: Stranger, name: str
) -> None:
    right, wrong, why = BROKEN[name]
    folder = stranger.new(name)
    source = folder / f"pyconnect_{name}" / "source.py"
    source.write_text(source.read_text().replace(right, wrong, 1))
    stranger.install(folder)
    try:
        checked = stranger.call("pyconnect", "plugins", "check")
        ran = stranger.call("pyconnect", "run", folder / f"{name}.yaml", "--playground")
        other = stranger.call("pyconnect", "check", f"pyconnect-{NAME}/{NAME}.yaml")
    finally:
        stranger.done("pip", "uninstall", "--quiet", "--yes", f"pyconnect-{name}")
    assert (checked.returncode, ran.returncode, other.returncode) == (1, 2, 0)
    assert f"pyconnect-{name}:{name}: " in checked.stderr and why in checked.stderr
    assert f"the plugin '{name}' of pyconnect-{name} 0.1.0 can't be used: " in ran.stderr
    assert why in ran.stderr and "Traceback" not in checked.stderr + ran.stderr


def test_two_plugins_of_one_name_are_told_apart_by_their_distributions(stranger: Stranger) -> None:
    one, other = stranger.new("twin"), stranger.new("other-twin")
    for file in (other / "pyproject.toml", other / "pyconnect_other_twin" / "source.py"):
        text = file.read_text()
        file.write_text(
            text.replace("\nother-twin =", "\ntwin =").replace('"other-twin"', '"twin"')
        )
    for folder in (one, other):
        stranger.install(folder)
    chosen = one / "chosen.yaml"
    chosen.write_text((one / "twin.yaml").read_text().replace("class: ", "class: pyconnect-twin:"))
    try:
        checked = stranger.call("pyconnect", "plugins", "check")
        unclear = stranger.call("pyconnect", "check", one / "twin.yaml")
        clear = stranger.call("pyconnect", "check", chosen)
    finally:
        names = ("pyconnect-twin", "pyconnect-other-twin")
        stranger.done("pip", "uninstall", "--quiet", "--yes", *names)
    assert (checked.returncode, unclear.returncode, clear.returncode) == (1, 2, 0)
    assert "pyconnect-twin:twin: also claimed by pyconnect-other-twin:twin" in checked.stderr
    assert "is claimed by" in unclear.stderr
    assert "Write pyconnect-twin:twin or pyconnect-other-twin:twin." in unclear.stderr or (
        "Write pyconnect-other-twin:twin or pyconnect-twin:twin." in unclear.stderr
    )
