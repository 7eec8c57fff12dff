"""Lines: whole lines out of blocks of a file, with the place of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RAW = 1024
"""How many bytes are kept of a line that is too long."""


class Chunk(NamedTuple):
    """Lines of the file `inode`, without their newlines.

    The first begins at `position`, the next one byte after its end. With `cut` it is the first KiB
    of one line that is too long, `position` being such that the same sum gives that line's end.
    No lines: only the position moves.
    """

    inode: int
    position: int
    lines: list[bytes]
    cut: bool = False


class Lines:
    """Splits blocks into lines; holds at most `limit` bytes of a line beside the newest block."""

    def __init__(self, inode: int, position: int, limit: int) -> None:
        self._inode = inode
        self._begin = position
        self._limit = limit
        self._rest = b""
        self._lost = 0

    @property
    def end(self) -> int:
        """Where in the file the next block begins."""
        return self._begin + self._lost + len(self._rest)

    def feed(self, block: bytes) -> Iterator[Chunk]:
        """Give the lines that are whole with this block."""
        data = self._rest + block
        lines = data.split(b"\n")
        self._rest = lines.pop()
        if self._lost or (len(data) > self._limit and any(len(x) > self._limit for x in lines)):
            yield from map(self._single, lines)
        elif lines:
            yield Chunk(self._inode, self._begin, lines)
            self._begin += len(data) - len(self._rest)
        if len(self._rest) > (RAW if self._lost else self._limit):
            # Invariant 8: whatever the file holds, a line without end takes no more memory.
            self._lost += len(self._rest) - RAW
            self._rest = self._rest[:RAW]

    def finish(self) -> Iterator[Chunk]:
        """Give the last line, if the file ends without a newline."""
        if self._rest:
            yield self._single(self._rest, newline=0)
            self._rest = b""

    def restart(self) -> Chunk:
        """Go to the start of the file: what was there is gone, and half a line with it."""
        self._begin, self._lost, self._rest = 0, 0, b""
        return Chunk(self._inode, 0, [])

    def _single(self, line: bytes, newline: int = 1) -> Chunk:
        end = self._begin + self._lost + len(line) + newline
        cut = bool(self._lost) or len(line) > self._limit
        self._begin, self._lost = end, 0
        kept = line[:RAW] if cut else line
        return Chunk(self._inode, end - len(kept) - 1, [kept], cut)
