"""Walks through a page as its reader does: saves the files, types the commands, compares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.docs.markdown import Block, blocks
from tests.docs.terminal import Output, Terminal, shows

FILES = ("python", "yaml", "toml", "json", "ini", "text")
"""What is saved, if the page says under which name."""


def walk(page: Path, folder: Path, scratch: Path, environ: Mapping[str, str]) -> int:
    """Do what the page says, in its order; return how many blocks of commands ran.

    `sh` is typed, a block with a title is saved where the shell then is, `text` without one is what
    the block before it wrote.
    """
    ran = 0
    output: Output | None = None
    with Terminal(folder, scratch, environ) as terminal:
        for block in blocks(page):
            if block.language == "sh":
                output = terminal.type(block)
                ran += 1
            elif block.title:
                _save(terminal, block)
            elif block.language == "text" and output is not None:
                assert shows(block, output), f"{block}: got\n{output.stdout}{output.stderr}"
    return ran


def _save(terminal: Terminal, block: Block) -> None:
    assert block.language in FILES, f"{block}: a {block.language} block is not saved"
    end = "END_OF_FILE"
    text = (
        f"mkdir -p $(dirname {block.title}) && cat > {block.title} <<'{end}'\n{block.text}{end}\n"
    )
    terminal.type(Block(block.page, block.line, "sh", "", frozenset(), text))
