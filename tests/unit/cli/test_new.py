"""`new`: which names it takes, that it overwrites nothing, and that no sample is left in a copy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors_core.cli.group import pyconnect
from connectors_core.scaffold.package import TEMPLATES

KINDS = ("source", "transform")
ANYWHERE = {"README.md", ".gitignore", ".github/workflows/test.yml", "pyproject.toml"}
WRITTEN = {
    "source": ANYWHERE
    | {
        "a1-b.yaml",
        "pyconnect_a1_b/__init__.py",
        "pyconnect_a1_b/py.typed",
        "pyconnect_a1_b/source.py",
        "pyconnect_a1_b/testing.py",
        "tests/test_contract.py",
    },
    "transform": ANYWHERE
    | {
        "pyconnect_a1_b/__init__.py",
        "pyconnect_a1_b/py.typed",
        "pyconnect_a1_b/transform.py",
        "tests/test_transform.py",
    },
}


def new(*words: str | Path) -> Result:
    return CliRunner().invoke(pyconnect, ["new", *map(str, words)], catch_exceptions=False)


def files(folder: Path) -> dict[str, str]:
    found = {each for each in folder.rglob("*") if each.is_file()}
    return {each.relative_to(folder).as_posix(): each.read_text("utf-8") for each in found}


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_written_whole_and_told(kind: str, tmp_path: Path) -> None:
    result = new(kind, "a1-b", "--into", tmp_path)
    folder = tmp_path / "pyconnect-a1-b"
    assert result.exit_code == 0
    assert set(files(folder)) == WRITTEN[kind]
    assert set(result.stdout.splitlines()) == {str(folder / each) for each in WRITTEN[kind]}
    assert f"cd {folder}" in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_is_the_current_one_if_none_is_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert new(kind, "items").exit_code == 0
    assert (tmp_path / "pyconnect-items" / "README.md").is_file()


@pytest.mark.parametrize("name", ["a1-b", "my-sample-source", "none", "record", "z" * 60])
@pytest.mark.parametrize("kind", KINDS)
def test_the_name_is_everywhere_and_no_sample_is_left(kind: str, name: str, tmp_path: Path) -> None:
    new(kind, name, "--into", tmp_path)
    folder = tmp_path / f"pyconnect-{name}"
    module = f"pyconnect_{name.replace('-', '_')}"
    for file, text in files(folder).items():
        for spelled in (name, name.replace("-", "_"), name.title().replace("-", "")):
            text, file = text.replace(spelled, ""), file.replace(spelled, "")
        assert "sample" not in f"{file} {text}".lower()
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (entry,) = project["entry-points"]["pyconnect"].items()
    assert (project["name"], entry[0]) == (f"pyconnect-{name}", name)
    home, cls = entry[1].split(":")
    assert home == f"{module}.{kind}"
    assert f"class {cls}(" in (folder / module / f"{kind}.py").read_text()


@pytest.mark.parametrize("name", ["a1-b", "zz", "connectors-core-x"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_passes_ruff_under_its_own_rules(
    kind: str, name: str, tmp_path: Path
) -> None:
    new(kind, name, "--into", tmp_path)
    folder = tmp_path / f"pyconnect-{name}"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("", "json-items"),
        ("Quotes", "Write quotes."),
        ("my_quotes", "Write my-quotes."),
        ("pyconnect-quotes!", "Write quotes."),
        ("1st", "json-items"),
        ("-a", "Write a."),
        ("a--b", "Write a-b."),
        ("a-", "Write a."),
        ("../a", "Write a."),
        ("a/b", "Write a-b."),
        ("a b\n", "Write a-b."),
        ("é", "json-items"),
        ("a" * 61, f"Write {'a' * 60}."),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_no_package_can_have_is_refused(
    kind: str, name: str, cure: str, tmp_path: Path
) -> None:
    result = new(kind, "--into", tmp_path, "--", name)
    assert result.exit_code == 2
    assert cure in result.stderr and "small letters" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["file-lines", "json"])
def test_the_name_of_an_installed_plugin_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    result = new(kind, name, "--into", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is installed" in result.stderr and "pyconnect plugins" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_nothing_that_is_there_is_overwritten(make: object, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path / "pyconnect-items")
    result = new("source", "items", "--into", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is there already" in result.stderr and "--into" in result.stderr
    assert len(list(tmp_path.rglob("*"))) == 1


def test_what_was_changed_after_it_was_written_stays(tmp_path: Path) -> None:
    new("source", "items", "--into", tmp_path)
    before = files(tmp_path)
    (tmp_path / "pyconnect-items/README.md").write_text("mine")
    assert new("source", "items", "--into", tmp_path).exit_code == 2
    assert new("transform", "items", "--into", tmp_path).exit_code == 2
    assert files(tmp_path) == {**before, "pyconnect-items/README.md": "mine"}


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for into in ("missing", "file"):
        result = new("source", "items", "--into", tmp_path / into)
        assert result.exit_code == 2
        assert "is no folder" in result.stderr


def test_what_could_not_be_written_whole_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def full(path: Path, *words: str) -> int:
        if path.name == "testing.py":
            raise OSError(28, "No space left on device")
        return write_text(path, *words)

    monkeypatch.setattr(Path, "write_text", full)
    result = new("source", "items", "--into", tmp_path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "No space left" in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_source_is_at_most_25_lines_with_its_registration_beside_it() -> None:
    source = TEMPLATES / "source" / "pyconnect_sample_source" / "source.py"
    assert len(source.read_text().splitlines()) <= 25
