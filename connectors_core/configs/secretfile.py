"""Reads a small file that holds one value, as container platforms mount secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_BYTES = 64 << 10
_FORBIDDEN = ("/proc", "/dev", "/sys")


class Unreadable(Exception):
    """A value can't be given; the text says why and what to do, and never the value."""


def keyed(place: str) -> str:
    """Return the value of `PATH:KEY`: the file KEY in the directory PATH. Blocking."""
    folder, colon, key = place.rpartition(":")
    if not colon or not folder or not key:
        raise Unreadable("${dir:...} takes a directory and a file in it: ${dir:PATH:KEY}.")
    if key in (".", "..") or "/" in key or "\0" in key:
        raise Unreadable(f"{key[:80]!r} is not the name of a file in {folder}. Give its name only.")
    return secret(f"{folder}/{key}", within=folder)


def secret(path: str, within: str | None = None) -> str:
    """Return the text of a file without one newline at its end. Blocking.

    Symbolic links are followed first; what they lead to must be a regular file of at most 64 KiB,
    not below /proc, /dev or /sys, and below `within` if that is given.
    """
    if not path or "\0" in path:
        raise Unreadable("${file:...} takes a path, as in ${file:/run/secrets/token}.")
    try:
        data = _read(path, within)
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise Unreadable(f"{path} can't be read ({reason}). Check its path and rights.") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not UTF-8. Save it as UTF-8 text.") from None
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def _read(path: str, within: str | None) -> bytes:
    real = Path(os.path.realpath(path, strict=True))
    if any(real.is_relative_to(place) for place in _FORBIDDEN):
        raise Unreadable(f"{path} leads to {real}, which is no file for secrets. Name another.")
    if within is not None and not real.is_relative_to(os.path.realpath(within)):
        raise Unreadable(f"{path} leads out of {within}. Name a file inside it.")
    # O_NOFOLLOW: a link put there after the check is refused; O_NONBLOCK: a pipe never hangs.
    handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable(f"{path} is not a regular file. Name a file.")
    with os.fdopen(handle, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{path} is larger than 64 KiB, too large for a value. Name another.")
    return data
