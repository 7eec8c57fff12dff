"""What a plugin author may write passes mypy --strict, and what is wrong does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"

WRONG = """
from collections.abc import Iterator

from connectors_core import Config, Offset, Partition, Predicate, Record, Source, Transform


class Options(Config):
    pages: int = 2


class Wrong(Source[Options]):
    name = 5  # assignment

    async def open(self) -> None:
        self.config.page  # attr-defined

    def read(self, partition: Partition, offset: Offset | None) -> Iterator[str]:  # override
        yield "a"


class NotOptions(Source[int]):  # type-var
    name = "b"


class Text(Transform[Options]):
    name = "c"

    def apply(self, record: Record) -> str:  # override
        return "a"


class Maybe(Predicate[Options]):
    name = "d"

    def test(self, record: Record) -> str:  # override
        return "a"


Record({"a": 1}, offset=5)  # arg-type
Record({"a": 1}, ofset={"n": 1})  # call-arg
"""


def mypy(*paths: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mypy", "--strict", *map(str, paths)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_examples_pass_strictly() -> None:
    found = {path.stem for path in EXAMPLES.glob("*.py")}
    assert {"source", "read_all", "transform", "config"} <= found
    done = mypy(*EXAMPLES.glob("*.py"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_are_found_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(WRONG)
    lines = [re.match(r".*wrong\.py:(\d+): error: .*\[(.+)\]", line)
             for line in mypy(file).stdout.splitlines()]  # fmt: skip
    found = {(int(each[1]), each[2]) for each in lines if each}
    wanted = {
        (number, line.rpartition("# ")[2])
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "  # " in line
    }
    assert found == wanted
