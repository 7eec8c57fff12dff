"""Sources that only a benchmark needs; loaded with `--plugin`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
from pydantic import Field

from connectors_core import Config, Record, Source


class Lines(Config):
    """Where the lines are."""

    path: str = Field(description="A file of JSON lines.")


class PlainLines(Source[Lines]):
    """JSON lines from a plain, blocking generator."""

    name = "plain-lines"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:
        decode = msgspec.json.Decoder().decode
        position = offset["position"] if offset else 0
        with Path(self.config.path).open("rb") as file:
            file.seek(position)
            for line in file:
                position += len(line)
                yield Record(decode(line), offset={"position": position})


class Pace(Config):
    """How fast."""

    per_second: int = Field(description="Records a second.")


class Paced(Source[Pace]):
    """Numbers at an even pace, each with the time of its yield."""

    name = "paced"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        n = offset["n"] if offset else 0
        step = max(self.config.per_second // 1000, 1)
        due = time.monotonic()
        while True:
            for _ in range(step):
                n += 1
                yield Record({"n": n, "at": time.monotonic()}, offset={"n": n})
            due += step / self.config.per_second
            await asyncio.sleep(max(due - time.monotonic(), 0))


class Spinning(Source[Config]):
    """A plain generator that keeps its thread busy and gives next to nothing."""

    name = "spinning"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:
        n = offset["n"] if offset else 0
        while True:
            n += 1
            total = 0
            for number in range(500_000):
                total += number
            yield Record({"n": n}, offset={"n": n})
