"""FileUpstream: a text file that grows, is rotated, truncated and removed, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self


class FileUpstream:
    """`async with FileUpstream(lines) as upstream:` has them in `upstream.path` until the end.

    `lines` are all that were ever written, in order.
    """

    def __init__(self, lines: Iterable[str] = (), name: str = "lines.txt") -> None:
        self.lines: list[str] = []
        self._first = list(lines)
        self._name = name
        self._rotations = 0

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="pyconnect-upstream-")
        self.path = Path(self._folder.name, self._name)
        self.append(*self._first)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._folder.cleanup()

    def append(self, *lines: str) -> None:
        """Add whole lines now."""
        with self.path.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        self.lines += lines

    def write(self, text: str) -> None:
        """Add text that may be half a line; it counts among `lines` only through `append`."""
        with self.path.open("a") as file:
            file.write(text)

    def rotate(self) -> Path:
        """Rename the file, as logrotate's `create` does, and begin a new one; return the old one."""
        self._rotations += 1
        old = self.path.with_name(f"{self._name}.{self._rotations}")
        self.path.rename(old)
        self.path.touch()
        return old

    def truncate(self) -> None:
        """Empty the file in its place, as logrotate's `copytruncate` does."""
        self.path.write_text("")

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink()
