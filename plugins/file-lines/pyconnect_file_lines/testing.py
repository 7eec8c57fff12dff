"""Upstream: a file of known JSON lines that keeps growing; and the contract of the source."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

from connectors_core.testing import FileUpstream, SourceContract
from pyconnect_file_lines.source import FileLines


class Upstream(FileUpstream):
    """A file to follow. It starts with `lines` lines and grows by one every `interval` seconds.

    Line n is the JSON object `{"n": n, "text": …}`, so it is good for both formats.
    """

    def __init__(self, lines: int = 100, interval: float = 0.2) -> None:
        super().__init__(map(_line, range(lines)), "lines.jsonl")
        self._interval = interval

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._task = asyncio.create_task(self._grow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await super().__aexit__()

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        return {"path": str(self.path)}

    def expected(self) -> list[str]:
        """Return every line that was written so far, in order: the values of `format: lines`."""
        return list(self.lines)

    async def _grow(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self.append(_line(len(self.lines)))


def _line(number: int) -> str:
    return json.dumps({"n": number, "text": f"line {number}"})


class Finished(Upstream):
    """A file of twenty lines that is read to its end."""

    def __init__(self) -> None:
        super().__init__(lines=20, interval=3600)

    def config(self) -> dict[str, Any]:
        """Return the options that read it once."""
        return {**super().config(), "follow": False}


class Still(Upstream):
    """A file of twenty lines that might grow."""

    def __init__(self) -> None:
        super().__init__(lines=20, interval=3600)

    def config(self) -> dict[str, Any]:
        """Return the options that follow it."""
        return {**super().config(), "poll_interval": 0.05}


class FinishedContract(SourceContract):
    """A file that is read once."""

    source = FileLines
    upstream = Finished
    capabilities = frozenset({"replayable", "ordered", "bounded"})


class FollowedContract(SourceContract):
    """A file that is followed."""

    source = FileLines
    upstream = Still
    capabilities = frozenset({"replayable", "ordered"})
