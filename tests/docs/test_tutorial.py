"""The tutorial, word for word, by a newcomer with an empty home and a wheel of the core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.docs.walk import walk

PAGE = ROOT / "docs" / "tutorial" / "first-source.md"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Build the core as it would be published: no editable install, nothing but the wheel."""
    folder = tmp_path / "wheels"
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (made,) = folder.glob("connectors_core-*.whl")
    return made


@pytest.fixture
def newcomer(tmp_path: Path, wheel: Path) -> dict[str, str]:
    """Return the environment of one who has Python, pip's settings, and nothing of pyconnect."""
    binaries, home = tmp_path / "bin", tmp_path / "home"
    binaries.mkdir()
    home.mkdir()
    (binaries / "python3").symlink_to(Path(sys.executable).resolve())
    # The constraint keeps a distribution of that name on some index from being taken instead.
    constraint = tmp_path / "constraints.txt"
    constraint.write_text(f"connectors-core @ {wheel.as_uri()}\n")
    environ = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environ |= {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    return environ | {
        "HOME": str(home),
        "PATH": f"{binaries}{os.pathsep}{os.defpath}",
        "PIP_CONSTRAINT": str(constraint),
        "PIP_FIND_LINKS": f"{wheel.parent} {environ.get('PIP_FIND_LINKS', '')}".strip(),
    }


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tutorial_can_be_followed_word_for_word(
    tmp_path: Path, newcomer: dict[str, str]
) -> None:
    folder, scratch = tmp_path / "empty", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    assert walk(PAGE, folder, scratch, newcomer) > 10
    installed = subprocess.run(
        [folder / ".venv/bin/python", "-c", "import connectors_core; print(connectors_core)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=scratch,
    ).stdout
    assert str(folder) in installed, f"not the core that was installed: {installed}"


def test_a_source_with_its_registration_is_at_most_25_lines() -> None:
    (source,) = [block for block in blocks(PAGE) if block.title == "quotes.py"]
    assert len(source.text.splitlines()) <= 25


def test_the_tutorial_names_no_path_of_this_checkout() -> None:
    assert str(ROOT) not in PAGE.read_text("utf-8")
