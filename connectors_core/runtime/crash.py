"""Named crash points: `PYCONNECT_CRASH=point:n` kills the process at the n-th arrival there.

`point:n:ms` kills it some milliseconds later, while whoever arrived stands still and its clients'
threads go on: what was handed over to a client may be on the brokers by then.

For tests of invariant 7; armed by `app` alone, and one dictionary look-up otherwise.
"""

from __future__ import annotations

import os
import signal
import time

POINTS = ("pull", "transform", "encode", "begin", "write", "offset", "commit", "committed", "acked")
ON_A_CLUSTER = ("claim", "fence", "stage")
"""Reached on a cluster alone: a slot is claimed, its older owners are fenced, and rows are handed
over ahead of their commit."""
EVERYWHERE = (*POINTS, *ON_A_CLUSTER)
_NEVER = 1 << 60
_armed: dict[str, int] = {}
_later: dict[str, float] = {}


def arm(text: str) -> None:
    """Arm one point from `point:n` or `point:n:ms`, n counted from 1. Raises ValueError."""
    point, *numbers = text.split(":")
    right = len(numbers) in (1, 2) and all(each.isdigit() for each in numbers)
    if point not in EVERYWHERE or not right or int(numbers[0]) < 1:
        known = ", ".join(EVERYWHERE)
        raise ValueError(f"PYCONNECT_CRASH={text}: want point:n or point:n:ms, point of {known}")
    _armed[point] = int(numbers[0])
    _later[point] = int(numbers[1]) / 1000 if numbers[1:] else 0.0


def reach(point: str) -> None:
    """Pass a crash point; never returns if it is the armed arrival."""
    if _armed and point in _armed:
        _armed[point] -= 1
        if not _armed[point]:
            time.sleep(_later[point])
            os.kill(os.getpid(), signal.SIGKILL)


def count() -> None:
    """Count arrivals at every point from now on; none of them kills."""
    _armed.update(dict.fromkeys(EVERYWHERE, _NEVER))


def arrivals() -> dict[str, int]:
    """Return how often each point was reached since `count`."""
    return {point: _NEVER - left for point, left in _armed.items()}


def armed() -> bool:
    """Say whether any point is armed, so that a hot path may leave `reach` out."""
    return bool(_armed)
