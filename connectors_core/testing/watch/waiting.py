"""Waiting: where the tasks of a loop stand, told from another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import FrameType
from typing import Any

SHOWN_TASKS, SHOWN_LINES = 5, 3


def tasks_of(loop: asyncio.AbstractEventLoop | None) -> str:
    """Return the innermost lines of the tasks that a loop has, "" without a loop or a task.

    Tasks are named by their coroutines. A task that runs meanwhile may be told half.
    """
    if loop is None:
        return ""
    try:
        tasks = sorted(asyncio.all_tasks(loop), key=lambda each: each.get_name())
    except RuntimeError:  # the set has changed again and again
        return ""
    return "\n".join(map(_told, tasks[:SHOWN_TASKS]))


def _told(task: asyncio.Task[Any]) -> str:
    coroutine: Any = task.get_coro()
    lines = [f"    {_place(frame)}" for frame in _frames(coroutine)]
    name = getattr(coroutine, "__qualname__", task.get_name())
    return "\n".join([f"  {name} at", *lines[-SHOWN_LINES:]])


def _frames(awaitable: Any) -> Iterator[FrameType]:
    """Give the frames of what awaits each other, the outermost first."""
    while awaitable is not None:
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "ag_frame", None)
        frame = frame or getattr(awaitable, "gi_frame", None)
        if frame is not None:
            yield frame
        awaitable = _inner(awaitable)


def _inner(awaitable: Any) -> Any:
    for name in ("cr_await", "ag_await", "gi_yieldfrom"):
        if (inner := getattr(awaitable, name, None)) is not None:
            return inner
    return None


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
