"""The fenced blocks and the links of the project's pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(\w+)([^\n`]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block. `title` is the file it is saved as; `marks` are the other words beside the
    language: `exit=2` for what ends so, `like` for output whose numbers vary, `wrong` for a file
    with mistakes, `worker` for one that is no connector's but the worker's."""

    page: Path
    line: int
    language: str
    title: str
    marks: frozenset[str]
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def exit(self) -> int:
        return next((int(m.removeprefix("exit=")) for m in self.marks if m[:5] == "exit="), 0)


def pages() -> list[Path]:
    """Return every page that a reader of the project may open, but the changelog."""
    found = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    return sorted(found + list(ROOT.glob("benchmarks/*.md")))


def blocks(page: Path) -> Iterator[Block]:
    """Give the blocks of a page, in order."""
    whole = page.read_text("utf-8")
    for found in _BLOCK.finditer(whole):
        indent, language, info, text = found.groups()
        words = shlex.split(info)
        titles = [word.removeprefix("title=") for word in words if word.startswith("title=")]
        yield Block(
            page=page,
            line=whole.count("\n", 0, found.start()) + 1,
            language=language,
            title=titles[0] if titles else "",
            marks=frozenset(word for word in words if not word.startswith("title=")),
            text=re.sub(f"^{indent}", "", text, flags=re.MULTILINE),
        )


def links(page: Path) -> list[str]:
    """Return where the links of a page lead, those inside blocks left out."""
    return _LINK.findall(_FENCED.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCED.sub("", page.read_text("utf-8"))
    heads = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
