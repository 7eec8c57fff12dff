"""Upstream: a file of known JSON lines that keeps growing; and the contract of the source."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from connectors_core.testing import SourceContract
from pyconnect_file_lines.source import FileLines


class Upstream:
    """A file to follow. It starts with `lines` lines and grows by one every `interval` seconds.

    Line n is the JSON object `{"n": n, "text": …}`, so it is good for both formats.
    """

    def __init__(self, lines: int = 100, interval: float = 0.2) -> None:
        self._first = lines
        self._interval = interval
        self._lines: list[str] = []

    async def __aenter__(self) -> Self:
        self._directory = TemporaryDirectory(prefix="pyconnect-file-lines-")
        self.path = Path(self._directory.name, "lines.jsonl")
        self.append(self._first)
        self._task = asyncio.create_task(self._grow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._directory.cleanup()

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        return {"path": str(self.path)}

    def append(self, count: int) -> None:
        """Add lines now."""
        begin = len(self._lines)
        more = [json.dumps({"n": n, "text": f"line {n}"}) for n in range(begin, begin + count)]
        with self.path.open("a") as file:
            file.writelines(f"{line}\n" for line in more)
        self._lines += more

    def expected(self) -> list[str]:
        """Return every line that was written so far, in order: the values of `format: lines`."""
        return list(self._lines)

    async def fault(self, kind: str) -> None:
        """Do harm: `prune` rotates the file away, and the newest quarter of it is written anew.

        Raises NotImplementedError for every other kind: nothing is between a reader and a file.
        """
        if kind == "none":
            return
        if kind != "prune":
            raise NotImplementedError(kind)
        self.path.rename(self.path.with_suffix(".1"))
        newest = self._lines[-len(self._lines) // 4 :]
        self.path.write_text("".join(f"{line}\n" for line in newest))

    async def _grow(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self.append(1)


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
