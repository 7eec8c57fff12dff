"""The tutorials, word for word, by a newcomer with an empty home and a wheel of the core."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, Block, blocks
from tests.docs.walk import walk

PAGES = sorted(ROOT.glob("docs/tutorial/*.md"))
SOURCES = [
    block for page in PAGES for block in blocks(page) if re.search(r"\bSource\[", block.text)
]


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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_can_be_followed_word_for_word(
    page: Path, tmp_path: Path, newcomer: dict[str, str]
) -> None:
    folder, scratch = tmp_path / "empty", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    assert walk(page, folder, scratch, newcomer) >= 10
    installed = subprocess.run(
        [folder / ".venv/bin/python", "-c", "import connectors_core; print(connectors_core)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=scratch,
    ).stdout
    assert str(folder) in installed, f"not the core that was installed: {installed}"


def test_there_is_a_tutorial_of_each_kind() -> None:
    assert {"first-source", "write-a-source-http", "write-a-source-websocket"} <= {
        page.stem for page in PAGES
    }
    assert {"quotes.py", "orders.py", "events.py", "ticks.py"} == {each.title for each in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda block: block.title)
def test_a_source_is_at_most_25_lines_with_all_that_it_needs(source: Block) -> None:
    lines = source.text.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "source", [each for each in SOURCES if "testing" in each.text], ids=lambda block: block.title
)
def test_a_source_keeps_the_basic_laws(source: Block, tmp_path: Path) -> None:
    """All laws are judged where the page is followed word for word, which takes minutes."""
    for block in blocks(source.page):
        if block.language == "python":
            (tmp_path / block.title).write_text(block.text)
    name = source.title.removesuffix(".py")
    words = ("contract", name, "--plugin", source.title, "--level", "basic")
    done = subprocess.run(
        [sys.executable, "-m", "connectors_core", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" passed ") >= 13


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_names_no_path_of_this_checkout(page: Path) -> None:
    assert str(ROOT) not in page.read_text("utf-8")
