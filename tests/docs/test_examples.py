"""Every connector file and every Python block that the project shows can be used as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, Block, blocks, pages

CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
FILES = sorted([*ROOT.glob("connectors.d/*.yaml"), *ROOT.glob("docs/examples/*.yaml")])
BLOCKS = [block for page in pages() for block in blocks(page)]
SECRETS = {"KIS_APP_KEY": "a", "KIS_APP_SECRET": "b", "KAFKA_PASSWORD": "c", "SHOP_TOKEN": "d"}
NAMED = re.compile(r"^    name\b.* = ", re.MULTILINE)


def is_plugin(block: Block) -> bool:
    """Say whether a block brings something by a name of its own."""
    return block.language == "python" and bool(NAMED.search(block.text))


def saved(block: Block, folder: Path) -> Path:
    ending = {"python": "py"}.get(block.language, block.language)
    file = folder / (block.title or f"block_{block.line}.{ending}")
    file.write_text(block.text)
    return file


def of_language(language: str) -> list[Block]:
    found = [block for block in BLOCKS if block.language == language]
    assert len(found) > 3
    return found


def run(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **SECRETS}
    return subprocess.run(
        words, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_there_is_an_example_of_every_plugin() -> None:
    shown = {
        line.partition(":")[2].strip()
        for text in [*(path.read_text("utf-8") for path in FILES), *(b.text for b in BLOCKS)]
        for line in text.splitlines()
        if line.startswith("connector.class:")
    }
    assert {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")} <= shown


def test_every_connector_file_passes_check(tmp_path: Path) -> None:
    assert FILES
    done = run(tmp_path, *CALL, "check", *FILES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_connector_on_a_page_passes_check(page: Path, tmp_path: Path) -> None:
    """With the plugins that the page shows; those marked `wrong` must be refused. `worker` is a worker's."""
    secret = tmp_path / "secrets" / "kis"
    secret.parent.mkdir()
    secret.write_text("c")
    shown = [block for block in BLOCKS if block.page == page]
    plugins = [saved(block, tmp_path) for block in shown if is_plugin(block)]
    options = [word for plugin in plugins for word in ("--plugin", str(plugin))]
    for block in shown:
        if block.language == "yaml":
            what = ["--worker"] if "worker" in block.marks else []
            done = run(tmp_path, *CALL, "check", *what, saved(block, tmp_path), *options)
            wanted = 2 if "wrong" in block.marks else 0
            assert done.returncode == wanted, f"{block}: {done.stdout}{done.stderr}"


def test_every_plugin_on_a_page_loads(tmp_path: Path) -> None:
    found = [block for block in of_language("python") if is_plugin(block)]
    assert len(found) > 3
    for block in found:
        done = run(tmp_path, *CALL, "plugins", "check", "--plugin", saved(block, tmp_path))
        assert done.returncode == 0, f"{block}: {done.stderr}"


def test_every_python_block_is_run_or_type_checked(tmp_path: Path) -> None:
    """A script with a title is run where its page is walked; the tutorials are for newcomers, and run
    all that they show."""
    for number, block in enumerate(of_language("python")):
        if block.page.parent.name == "tutorial":
            assert block.title
        elif is_plugin(block) or not block.title:
            name = f"block_{number}_at_line_{block.line}.py"
            (tmp_path / name).write_text(block.text)
        else:
            assert block.page.parent.name in ("how-to", "reference")
            names = (block.title, f'"{Path(block.title).stem}"')  # in a command, or as `testing`
            assert any(name in each.text for name in names for each in BLOCKS if each != block)
    done = run(ROOT, sys.executable, "-m", "mypy", "--strict", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
