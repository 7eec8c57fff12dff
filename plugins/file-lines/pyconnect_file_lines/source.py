"""FileLines: a record for every line of a text file, as it grows, is rotated or truncated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import Field

from connectors_core import Batch, Config, Offset, Partition, Record, Reject, Source
from pyconnect_file_lines.tail import Tail

UNREADABLE = (ValueError, ArithmeticError, RecursionError)


class Options(Config):
    """What to read, and how."""

    path: Path = Field(description="The file. It may be missing at first.")
    format: Literal["lines", "json"] = Field(
        "lines", description="`lines`: a value is the text of a line; `json`: what it parses to."
    )
    numbers: Literal["double", "decimal"] = Field(
        "double", description="What a JSON number with a fraction or an exponent becomes."
    )
    follow: bool = Field(True, description="Wait for more; false completes at the end of the file.")
    begin: Literal["start", "end"] = Field(
        "start", alias="from", description="Where to begin when no offset is stored."
    )
    poll_interval: float = Field(
        0.5, gt=0, le=3600, description="Seconds between two looks at a file that did not grow."
    )
    max_line: int = Field(
        1 << 20, ge=1024, le=16 << 20, description="Bytes of the longest line; more is an error."
    )


class FileLines(Source[Options]):
    """The lines of a file. An offset is the byte after a line, and the inode of the file."""

    name = "file-lines"
    testing = "pyconnect_file_lines.testing"

    async def partitions(self) -> Iterable[dict[str, str]]:
        """Return the one partition: the path as it is configured."""
        return [{"path": str(self.config.path)}]

    async def read(
        self, partition: Partition, offset: Offset | None
    ) -> AsyncIterator[Record | Reject | Batch]:
        """Give a record for every line after `offset`, a Reject for what is none."""
        own = self.config
        report = partial(self.context.report, partition)
        tail = Tail(own.path, own.follow, own.poll_interval, own.max_line, report)
        decoder = _decoder(own)
        async with aclosing(tail.chunks(offset, own.begin == "end")) as chunks:
            async for inode, position, lines, cut in chunks:
                decode = _too_long if cut else decoder
                if not lines:
                    yield Batch(offset={"position": position, "inode": inode})
                for line in lines:
                    position += len(line) + 1
                    try:
                        value = decode(line)
                    except UNREADABLE as error:
                        # An empty line of a JSON file is no message: the next offset covers it.
                        if cut or line.strip():
                            at = {"position": position, "inode": inode}
                            yield Reject(f"can't read the line: {error}", line, at)
                        continue
                    yield Record(value, None, {"position": position, "inode": inode})


def _decoder(options: Options) -> Callable[[bytes], Any]:
    if options.format == "lines":
        return _text
    # msgspec keeps integers exact at any size and refuses NaN and lone surrogates (invariant 6).
    exact = Decimal if options.numbers == "decimal" else None
    return msgspec.json.Decoder(float_hook=exact).decode


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode()


def _too_long(line: bytes) -> Any:
    raise ValueError(f"it is longer than max_line; these are its first {len(line)} bytes")
