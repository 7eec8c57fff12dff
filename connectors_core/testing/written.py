"""Written: which files are opened for writing, by whichever thread, while it looks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection
from typing import Any

_lookers: list[Written] = []
_installed = threading.Event()
_DEVICES = ("/dev/", "/proc/")


class Written:
    """`with Written() as written:` collects the paths that were opened for writing.

    `but` are the ids of threads that may write. Python's audit events tell of every `open`
    (PEP 578); a hook can't be taken out again, so there is one for all.
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
        if threading.get_ident() not in self._but and not path.startswith(_DEVICES):
            self.files.add(path)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _lookers or event != "open":
        return
    path, mode, flags = arguments
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    if (writes or (isinstance(mode, str) and set(mode) & set("wax+"))) and isinstance(
        path, str | bytes | os.PathLike
    ):
        for each in tuple(_lookers):
            each.hear(os.fsdecode(path))
