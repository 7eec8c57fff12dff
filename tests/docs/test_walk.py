"""The walk through a page can fail: each kind of wrong page is refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs import markdown
from tests.docs.markdown import anchors, blocks, links
from tests.docs.walk import walk

Follow = Callable[[str], int]
GOOD = """# A page
Save this:

```python title=a.py
print(6 * 7, "is it")
```

```sh
echo noise >&2
python3 a.py
```

```text
42 is it
```
"""


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Return a function that walks through a page of this text."""
    monkeypatch.setattr(markdown, "ROOT", tmp_path)
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())

    def walk_through(text: str) -> int:
        page = tmp_path / "page.md"
        page.write_text(text)
        environ = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}", "HOME": str(folder)}
        return walk(page, folder, scratch, environ)

    return walk_through


def test_a_true_page_passes(follow: Follow) -> None:
    assert follow(GOOD) == 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("42 is it", "43 is it"),
        ("42 is it", "42 is it\nand more"),
        ("python3 a.py\n", "python3 b.py\n"),
        ("python3 a.py\n", "false\npython3 a.py\n"),
        ("```sh\n", "```sh exit=2\n"),
        ("6 * 7", "6 * "),
    ],
    ids=["other text", "more text", "no such file", "fails on the way", "other exit", "bad file"],
)
def test_a_page_that_is_not_true_fails(follow: Follow, right: str, wrong: str) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:\d+"):
        follow(GOOD.replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("shown", "passes"),
    [
        ("```text like\n41 is it\n", True),
        ("```text like\n41 was it\n", False),
        ("```text\n...\n42 is it\n...\n", True),
        ("```text\n...\n", True),
        ("```text\n...\n43 is it\n", False),
        ("```text\n42 …\n", True),
        ("```text\n43 …\n", False),
    ],
)
def test_what_a_page_shows_may_leave_things_open(follow: Follow, shown: str, passes: bool) -> None:
    text = GOOD.replace("```text\n42 is it\n", shown)
    if passes:
        follow(text)
    else:
        with pytest.raises(AssertionError):
            follow(text)


def test_variables_directory_and_jobs_live_on_between_blocks(follow: Follow) -> None:
    assert follow(
        "```sh\nmkdir deep && cd deep && name=value\nsleep 100 &\n```\n"
        "```text title=note\nhere\n```\n"
        "```sh\nkill -9 $!\ncat note && echo $name\n```\n"
        "```text\nhere\nvalue\n```\n"
    ) == 2  # fmt: skip


def test_blocks_know_their_line_title_and_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n```yaml title=a/b.yaml wrong\na: 1\n```\n\n```sh exit=3\nls\n```\n")
    first, second = blocks(page)
    assert (first.line, first.language, first.title) == (3, "yaml", "a/b.yaml")
    assert first.text == "a: 1\n" and "wrong" in first.marks and first.exit == 0
    assert (second.line, second.exit, second.title) == (7, 3, "")


def test_links_and_anchors_outside_of_blocks_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` c, d!\n[x](y.md#z)\n```sh\n# not\n[no](no.md)\n```\n")
    assert links(page) == ["y.md#z"]
    assert anchors(page) == {"a-b-c-d"}
