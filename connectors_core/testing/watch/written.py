"""Written: which files are written or made, by whichever thread, while it looks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

_lookers: list[Written] = []
_installed = threading.Event()
_DEVICES = ("/dev/", "/proc/")
_COMPILED = "__pycache__"
"""What Python itself keeps of a module that is imported late."""
_MADE = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "sqlite3.connect": 0}
"""Which argument of an audited event is what it makes."""


class Written:
    """`with Written() as written:` collects the paths that were opened for writing.

    `but` are the ids of threads that may write. Python's audit events tell of every `open`, every
    new folder and link, and of SQLite's databases (PEP 578); a hook can't be taken out again, so
    there is one for all.
    """

    def __init__(self, but: Collection[int] = ()) -> None:
        self.files: set[str] = set()
        self._but = but

    def __enter__(self) -> Written:
        if not _installed.is_set():
            _installed.set()
            sys.addaudithook(_hear)
        _lookers.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _lookers.remove(self)

    def hear(self, path: str) -> None:
        """Note a path that was opened for writing."""
        if threading.get_ident() in self._but or path.startswith(_DEVICES):
            return
        if _COMPILED not in Path(path).parts:
            self.files.add(path)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _lookers:
        return
    path = _path(event, arguments)
    if isinstance(path, str | bytes | os.PathLike):
        for each in tuple(_lookers):
            each.hear(os.fsdecode(path))


def _path(event: str, arguments: tuple[Any, ...]) -> Any:
    """Return what an audited event writes to, None if it writes nothing."""
    if event in _MADE:
        path = arguments[_MADE[event]]
        return None if path == ":memory:" else path
    if event != "open":
        return None
    path, mode, flags = arguments
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    return path if writes or (isinstance(mode, str) and set(mode) & set("wax+")) else None
