"""Pulse: whether a loop was kept from running, told apart from a machine that was."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

BEAT_SECONDS = 0.01
BLOCKED_SECONDS = 0.1
LATE_SECONDS = 0.03
"""A watcher that wakes this late says that the machine was busy, not the loop."""

IN_C = "a call into C code that holds the interpreter's lock"


class Pulse:
    """`async with Pulse() as pulse:` watches the running loop from a thread that does nothing else.

    `blocked` is the longest time in seconds that the loop stood still while the watcher was on
    time, or computed: C code that holds the interpreter's lock stops the watcher too, but not the
    clock of the thread's CPU. `place` is where it stood.
    """

    def __init__(self) -> None:
        self.blocked = 0.0
        self.place = ""
        self._beat = time.monotonic()
        self._over = threading.Event()
        self._loop_thread = threading.get_ident()

    async def __aenter__(self) -> Pulse:
        self._beating = asyncio.create_task(self._beat_on())
        self._watcher = threading.Thread(target=self._watch, name="pulse", daemon=True)
        self._watcher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        self._beating.cancel()
        self._watcher.join()

    async def _beat_on(self) -> None:
        while True:
            self._beat, computed = time.monotonic(), time.thread_time()
            await asyncio.sleep(BEAT_SECONDS)
            if (busy := time.thread_time() - computed) > max(BLOCKED_SECONDS, self.blocked):
                self.blocked, self.place = busy, self.place or IN_C

    def _watch(self) -> None:
        steady_since = before = time.monotonic()
        while not self._over.wait(BEAT_SECONDS):
            now = time.monotonic()
            if now - before > BEAT_SECONDS + LATE_SECONDS:
                steady_since = now
            before = now
            still = now - max(self._beat, steady_since)
            if still > max(BLOCKED_SECONDS, self.blocked):
                self.blocked, self.place = still, place_of(self._loop_thread)


def place_of(thread: int | None) -> str:
    """Return the innermost lines of a thread's stack, by its id; "" if it has ended."""
    frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the documented way
    return "".join(traceback.format_stack(frame)[-3:]) if frame else ""
