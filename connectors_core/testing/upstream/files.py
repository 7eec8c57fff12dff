"""FileUpstream: a text file that grows, is rotated, truncated and removed, in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from connectors_core.testing.upstream.faults import HOSTILE, PRUNE
from connectors_core.testing.upstream.hostile import Spoiler

HIDING = ("refused", "server-error")


class FileUpstream:
    """`async with FileUpstream(lines) as upstream:` has them in `upstream.path` until the end.

    `lines` are all that were ever written, in order. Of the faults it can do `refused` (the file is
    not there), `server-error` (it is, and can't be opened), hostile data (a last line that is bad,
    and taken away again at the end of the fault) and `prune` (it is rotated away, and the newest
    quarter of its lines is written anew).
    """

    def __init__(self, lines: Iterable[str] = (), name: str = "lines.txt") -> None:
        self.lines: list[str] = []
        self._first = list(lines)
        self._name = name
        self._rotations = 0
        self._good: int | None = None
        self._spoilers = {kind: Spoiler(kind) for kind in HOSTILE}

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

    async def fault(self, kind: str) -> None:
        """Do harm of this kind (see `faults`) until `fault("none")`.

        Raises NotImplementedError for a kind that no file does.
        """
        if kind not in ("none", PRUNE, *HIDING, *HOSTILE):
            raise NotImplementedError(kind)
        self._heal()
        if kind == PRUNE:
            self.rotate()
            newest = self.lines[-len(self.lines) // 4 :]
            self.path.write_text("".join(f"{line}\n" for line in newest))
        if kind in HOSTILE:
            self._good = self.path.stat().st_size
            line = self.lines[-1].encode() if self.lines else b""
            with self.path.open("ab") as file:
                file.writelines(self._spoilers[kind](line))
                file.write(b"\n")
        if kind in HIDING:
            self.path.rename(self._hidden)
        if kind == "server-error":
            # Also root can't follow a link to itself, as it would read a file that forbids it.
            self.path.symlink_to(self.path)

    def _heal(self) -> None:
        if self._good is not None:
            os.truncate(self.path, self._good)
            self._good = None
        if self._hidden.exists():
            self._hidden.replace(self.path)

    @property
    def _hidden(self) -> Path:
        return self.path.with_name(f"{self._name}.hidden")
