"""Runs one command, and kills it as soon as whoever started the guard is gone.

Usage: guard.py COMMAND ARGUMENT...   The command's pid is printed first; its output is our stderr.

Whoever starts the guard holds the other end of its standard input. That pipe closes however its
owner dies, `kill -9` included, which no handler and no thread of the owner could promise. A child
that would ask the kernel for a signal itself (PR_SET_PDEATHSIG) dies with the *thread* that started
it; here that is the guard's only long-lived one, so it covers the death of the guard.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def die_with_the_guard() -> None:
    """Ask Linux to kill this process with its parent; elsewhere the pipe alone has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)


def kill_at_the_end(child: subprocess.Popen[bytes]) -> None:
    """Wait for the end of standard input, and kill."""
    while os.read(0, 1024):
        continue
    child.kill()


def main() -> int:
    child = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=die_with_the_guard,  # noqa: PLW1509 - No other thread runs yet.
    )
    print(child.pid, flush=True)
    threading.Thread(target=kill_at_the_end, args=[child], daemon=True).start()
    return child.wait() & 0xFF


if __name__ == "__main__":
    sys.exit(main())
