"""A source whose upstream forgets what it was told is durable, as a queue does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import Field

from connectors_core import Config, Record, Source, hookimpl


class Options(Config):
    upstream: str = Field(description="The file that says up to which number it was acknowledged.")
    last: int = Field(3000, description="The last number.")


class Queue(Source[Options]):
    """Numbers that are gone for good once they are acknowledged."""

    name = "queue"

    def gone(self) -> int:
        """Return up to which number the upstream has forgotten all."""
        path = Path(self.config.upstream)
        return int(path.read_text()) if path.exists() else 0

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        after = max(self.gone(), offset["n"] if offset else 0)
        for n in range(after + 1, self.config.last + 1):
            yield Record({"p": 0, "n": n}, offset={"n": n})
            if n % 50 == 0:
                await asyncio.sleep(0.001)

    async def committed(self, partition: Any, offset: Any) -> None:
        new = Path(self.config.upstream + ".new")
        new.write_text(str(max(self.gone(), offset["n"])))
        new.replace(self.config.upstream)


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    return [Queue]
