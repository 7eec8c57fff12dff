"""What to do about an error, and how long to wait before trying again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from connectors_core.api.errors import PyconnectError

STEADY_SECONDS = 30.0


def error_group(error: BaseException) -> str:
    """Name the group of an error: the first part of its code, `network` or `unknown`."""
    if isinstance(error, PyconnectError):
        return error.code.split(".", 1)[0]
    return "network" if isinstance(error, OSError | EOFError) else "unknown"


def restartable(error: BaseException) -> bool:
    """Say whether the restart policy may try again: not for what a restart can't mend."""
    return error.restartable if isinstance(error, PyconnectError) else True


def describe(error: BaseException) -> str:
    """Write an error in one line, even one whose own `__str__` raises."""
    try:
        text = str(error)
    except BaseException as broken:
        text = f"(its text raised {type(broken).__name__})"
    if isinstance(error, PyconnectError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class Backoff:
    """Exponential waits with jitter, in seconds.

    Falls back to the first wait only after records were committed and 30 s have passed since the
    last failure: a source that accepts and fails at once must not be hammered.
    """

    def __init__(
        self,
        first: float,
        longest: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._longest = longest
        self._clock = clock
        self._jitter = jitter
        self._failed_at: float | None = None
        self.failures = 0

    def next(self, *, progressed: bool) -> float:
        """Return the wait after one more failure. `progressed`: records were committed since."""
        now = self._clock()
        if progressed and self._failed_at is not None and now - self._failed_at >= STEADY_SECONDS:
            self.failures = 0
        self._failed_at = now
        wait = min(self._longest, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return wait * (0.5 + 0.5 * self._jitter())
