"""Tail: the lines of a path from an offset on, through growth, rotation and truncation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from connectors_core import ConfigError, Offset, OffsetError, Retry
from pyconnect_file_lines.lines import Chunk, Lines

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Tail:
    """Reads a path. `poll` is in seconds, `limit` in bytes of a line; `report` takes facts.

    Blocks are read in a thread; a look at a file that did not grow is one stat on the loop.
    """

    path: Path
    follow: bool
    poll: float
    limit: int
    report: Callable[..., None]

    async def chunks(self, offset: Offset | None, from_end: bool) -> AsyncGenerator[Chunk, None]:
        """Give the lines of one file after the other. A chunk without lines moves the position."""
        while True:
            with self._opened() as file:
                inode = os.fstat(file.fileno()).st_ino
                position = self._start(file, offset, from_end)
                if from_end if offset is None else position != offset["position"]:
                    yield Chunk(inode, position, [])
                async with aclosing(self._grown(file, Lines(inode, position, self.limit))) as own:
                    async for chunk in own:
                        yield chunk
            if not self.follow:
                return
            offset = {"position": 0}

    def _opened(self) -> BinaryIO:
        try:
            if S_ISREG(self.path.stat().st_mode):
                return self.path.open("rb")
        except OSError as error:
            raise Retry(
                f"path: can't read {self.path}: {error.strerror}. Tried again until it is there.",
                after=self.poll,
                code="file-lines.missing",
            ) from error
        raise ConfigError(f"path: {self.path} is not a regular file. Name a text file.")

    def _start(self, file: BinaryIO, offset: Offset | None, from_end: bool) -> int:
        here = os.fstat(file.fileno())
        if offset is None and from_end:
            begin = file.seek(max(here.st_size - self.limit, 0))
            return begin + file.read(self.limit).rfind(b"\n") + 1
        if offset is None:
            return 0
        position = offset.get("position")
        if not isinstance(position, int) or position < 0:
            raise OffsetError(f"offset {dict(offset)!r}: position must be a number of bytes.")
        if offset.get("inode", here.st_ino) != here.st_ino or here.st_size < position:
            self.report(gap=f"after byte {position} of the file before this one")
            return 0
        return position + self._skip(file, position)

    def _skip(self, file: BinaryIO, position: int) -> int:
        """Return 1 if a last line was taken without its newline, and that has come since."""
        file.seek(max(position - 1, 0))
        if position == 0 or file.read(1) == b"\n":
            return 0
        if (after := file.read(1)) in (b"\n", b""):
            return len(after)
        raise OffsetError(
            f"byte {position} of {self.path} is not the start of a line, so this is not the file"
            " that was read. Set `offset.reset: restart`, or reset the connector's offsets."
        )

    async def _grown(self, file: BinaryIO, lines: Lines) -> AsyncGenerator[Chunk, None]:
        file.seek(lines.end)
        over = not self.follow
        while True:
            size = os.fstat(file.fileno()).st_size
            if size > lines.end:
                for chunk in lines.feed(await asyncio.to_thread(file.read, BLOCK)):
                    yield chunk
                self.report(lag_bytes=max(size - lines.end, 0))
                over = not self.follow
            elif size < lines.end:
                self.report(gap=f"after byte {lines.end} when the file was truncated")
                file.seek(0)
                yield lines.restart()
            elif over:
                break
            else:
                # A writer may still hold the old file: it must be silent for one more poll.
                over = self._renamed(file)
                await asyncio.sleep(self.poll)
        for chunk in lines.finish():
            yield chunk

    def _renamed(self, file: BinaryIO) -> bool:
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except OSError:
            return False  # Renamed, and the next one is not made yet: this one may still grow.
