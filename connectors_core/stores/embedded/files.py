"""The files of the embedded log: who may see them, and that they survive a power cut."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors_core.api.errors import ConfigError, StoreError

_SIDES = ("-wal", "-shm", "-journal")


def prepare_directory(directory: Path) -> None:
    """Make the data directory (0700) if it is missing; refuse one that others could change.

    Raises StoreError `store.directory`.
    """
    with _refusing(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            _check_directory(directory)
        else:
            # A umask may have taken away the owner's own bits.
            directory.chmod(0o700)
            sync_directory(directory.parent)


def _check_directory(directory: Path) -> None:
    found = directory.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise _refused(directory, "it is a symbolic link. Name the directory itself.")
    if not stat.S_ISDIR(found.st_mode):
        raise _refused(directory, "it is not a directory. Choose another --data-dir.")
    if found.st_uid != os.geteuid():
        raise _refused(
            directory,
            f"it belongs to user {found.st_uid}, not to {os.geteuid()} who runs this. Choose"
            " another --data-dir, or run as its owner.",
        )
    if found.st_mode & stat.S_IWOTH:
        raise _refused(directory, f"everyone may write to it. Run `chmod 700 {directory}`.")


def prepare_file(path: Path) -> None:
    """Make the log's file (0600) if it is missing; refuse links and other people's files.

    SQLite gives its -wal and -shm files the rights of the log. An existing file is not opened
    here: to close it would drop the POSIX locks that SQLite holds in this process.
    """
    with _refusing(path):
        for name in (path, *(path.with_name(path.name + side) for side in _SIDES)):
            if _check_file(name):
                name.chmod(0o600)
        if not path.exists():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            os.fchmod(descriptor, 0o600)
            os.close(descriptor)
            sync_directory(path.parent)


def require_file(path: Path) -> None:
    """Raise ConfigError if nothing has been written at `path` yet."""
    with _refusing(path):
        if not path.exists() or not path.stat().st_size or being_made(path):
            raise nothing_yet(path)


def being_made(path: Path) -> bool:
    """Say whether the log was being made when its process ended: later it has a WAL, no journal."""
    return path.with_name(path.name + "-journal").exists()


def nothing_yet(path: Path) -> ConfigError:
    """Return the error for a log that does not exist yet."""
    return ConfigError(
        f"nothing has been written yet at {path}; start with `pyconnect run`", code="config.no-data"
    )


def _check_file(path: Path) -> bool:
    """Say whether the file exists, and is readable by others."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is not a plain file (a symbolic link?). Name the file itself.")
    if found.st_uid != os.geteuid():
        raise _refused(path, f"it belongs to user {found.st_uid}. Run as its owner.")
    return bool(found.st_mode & 0o077)


def sync_directory(directory: Path) -> None:
    """Make the names of new files in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(path, f"{error.strerror}. Look at its rights.") from error


def _refused(path: Path, why: str) -> StoreError:
    return StoreError(f"not used for the log: {why}", code="store.directory", place=str(path))
