"""The lock that gives a log a single owner, and tells the second one who the first is."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path

from connectors_core.api.errors import StoreError


class OwnerLock:
    """Holds `<log>.lock` from construction to `release`, or to the end of the process.

    An flock, so that no kill leaves it behind. The file stays: to delete it would let two owners
    hold two files of one name. Raises StoreError `store.locked` that names the owner; `named` is
    what it says is in use, if not the log.
    """

    def __init__(self, log: Path, *, named: Path | None = None) -> None:
        path = log.with_name(log.name + ".lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor: int | None = os.open(path, flags, 0o600)
        except OSError as error:
            raise StoreError(
                f"the lock can't be opened: {error.strerror}.", code="store.io", place=str(path)
            ) from error
        self._take(self._descriptor, named or log)

    def _take(self, descriptor: int, named: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _owner(descriptor)
            self.release()
            raise StoreError(
                f"in use by {owner}. Stop that one, or give this one another --data-dir.",
                code="store.locked",
                place=str(named),
            ) from error
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _myself(), 0)

    def release(self) -> None:
        """Let the next owner in. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _myself() -> bytes:
    command = " ".join(sys.argv)[:200]
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps({"pid": os.getpid(), "started": started, "command": command}).encode()


def _owner(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        command = "".join(c for c in found["command"] if c.isprintable())
        return f"process {found['pid']} ({command}), which started at {found['started']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
