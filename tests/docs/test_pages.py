"""The how-to and reference pages do what they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.docs.walk import walk

TUTORIALS = set(ROOT.glob("docs/tutorial/*.md"))
# The commands in cli.md are the examples of `--help`: they name files that are not there.
WALKED = sorted(
    path
    for path in {*ROOT.glob("docs/how-to/*.md"), *ROOT.glob("docs/reference/*.md")}
    if path.name != "cli.md" and any(block.language == "sh" for block in blocks(path))
)


@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    folder, scratch, home = tmp_path / "here", tmp_path / "scratch", tmp_path / "home"
    for each in (folder, scratch, home):
        each.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    assert walk(page, folder, scratch, {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"}) > 0


def test_every_how_to_is_walked() -> None:
    assert {*ROOT.glob("docs/how-to/*.md")} <= set(WALKED)
