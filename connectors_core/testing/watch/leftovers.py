"""Leftovers: what is there now and was not before; Climb: memory that grows with every start."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib import parse

GRACE_SECONDS = 3.0
"""How long what is on its way out may take: the far side of a socket closes after this one."""
CLIMB_BYTES = 4096
"""What one start may leave, beside what is kept once and for all: a cache, a module."""
_OPEN = next((Path(each) for each in ("/proc/self/fd", "/dev/fd") if Path(each).is_dir()), None)


class Leftovers:
    """`with Leftovers() as left:` remembers what is there. Used on the loop that it looks at.

    Temporary files go to a folder of its own meanwhile.
    """

    def __enter__(self) -> Leftovers:
        self._stack = ExitStack()
        folder = self._stack.enter_context(TemporaryDirectory(prefix="pyconnect-contract-"))
        self._folder = Path(folder)
        self._before, tempfile.tempdir = tempfile.tempdir, folder
        self._tasks = set(asyncio.all_tasks())
        self._threads = _threads()
        self._files = _open_files()
        self._children = _children()
        return self

    def __exit__(self, *_: object) -> None:
        tempfile.tempdir = self._before
        self._stack.close()

    async def settle(self) -> None:
        """Wait until nothing is left, or for as long as the grace lasts."""
        deadline = time.monotonic() + GRACE_SECONDS
        while any(self._left()) and time.monotonic() < deadline:
            gc.collect()
            await asyncio.sleep(0.05)

    async def found(self) -> str:
        """Say what is left, "" if nothing is."""
        await self.settle()
        return "; ".join(self._left())

    def _left(self) -> Iterator[str]:
        if tasks := {each for each in asyncio.all_tasks() if not each.done()} - self._tasks:
            yield f"{len(tasks)} tasks, as {_name(next(iter(tasks)))}"
        if threads := _threads() - self._threads:
            yield f"{len(threads)} threads, as {next(iter(threads)).name}"
        if files := _open_files() - self._files:
            yield f"{len(files)} open files or sockets, as {next(iter(files))[1]}"
        if children := _children() - self._children:
            yield f"{len(children)} child processes"
        if temporary := sorted(self._folder.iterdir()):
            yield f"{len(temporary)} temporary files, as {temporary[0].name}"


class Climb:
    """`with Climb() as climb:` weighs what Python holds after a quarter, the half and all of some starts.

    What is made once, in whichever start, shows in one of the two times between; what climbs, in
    both.
    """

    def __init__(self) -> None:
        self._weights: list[int] = []
        self._starts: list[int] = []

    def __enter__(self) -> Climb:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()

    def look(self, start: int, starts: int) -> None:
        """Weigh after this start (from 0) if it is time."""
        if start + 1 in (starts // 4, starts // 2, starts):
            parse.clear_cache()  # type: ignore[attr-defined]  # each start has other ports in its URLs
            gc.collect()
            self._weights.append(tracemalloc.get_traced_memory()[0])
            self._starts.append(start)

    def found(self) -> str:
        """Say how much each start adds, "" if they do not."""
        each = [
            (after - before) / (later - sooner)
            for (before, after), (sooner, later) in zip(
                pairwise(self._weights), pairwise(self._starts), strict=True
            )
        ]
        return f"{min(each) / 1024:.0f} KiB of memory a start" if min(each) > CLIMB_BYTES else ""


def _name(task: asyncio.Task[object]) -> str:
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", task.get_name())


def _threads() -> set[threading.Thread]:
    """Return the threads but those of a loop's own pool, which `asyncio.to_thread` shares."""
    return {each for each in threading.enumerate() if not each.name.startswith("asyncio_")}


def _open_files() -> set[tuple[str, str]]:
    """Return the open file descriptors, each with what it leads to where the system tells."""
    if _OPEN is None:
        return set()
    found = set()
    for each in _OPEN.iterdir():
        try:
            found.add((each.name, str(each.readlink())))
        except OSError:
            continue  # the one of this listing, or closed meanwhile
    return found


def _children() -> set[str]:
    """Return the ids of the child processes, where the system tells."""
    found: set[str] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(task.read_text().split())
        except OSError:
            continue
    return found
