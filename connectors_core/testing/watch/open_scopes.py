"""Scopes: which timeouts and task groups a task is inside of, whoever has entered them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any


class Scopes:
    """`with Scopes() as scopes:` notes the timeouts and task groups, asyncio's and anyio's, that are
    entered and left meanwhile. `open_in(task)` names those that a task is inside of."""

    def __init__(self) -> None:
        self._open: dict[int, list[tuple[object, str]]] = {}

    def __enter__(self) -> Scopes:
        self._stack = ExitStack()
        for kind, enter, leave in _kinds():
            self._stack.enter_context(_wrapped(kind, enter, self._entered))
            self._stack.enter_context(_wrapped(kind, leave, self._left))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open_in(self, task: asyncio.Task[Any] | None) -> list[str]:
        """Return the names of the scopes that a task is inside of, the outermost first."""
        return [name for _, name in self._open.get(id(task), ())]

    def _entered(self, scope: object) -> None:
        task = id(asyncio.current_task())
        self._open.setdefault(task, []).append((scope, type(scope).__name__))

    def _left(self, scope: object) -> None:
        for task, scopes in self._open.items():
            self._open[task] = [each for each in scopes if each[0] is not scope]


def _kinds() -> Iterator[tuple[type, str, str]]:
    yield asyncio.Timeout, "__aenter__", "__aexit__"
    yield asyncio.TaskGroup, "__aenter__", "__aexit__"
    if (anyio := sys.modules.get("anyio")) is not None:
        yield type(anyio.CancelScope()), "__enter__", "__exit__"  # its task groups have one


@contextmanager
def _wrapped(kind: type, name: str, hear: Callable[[object], None]) -> Iterator[None]:
    before = getattr(kind, name)

    @wraps(before)
    def heard(self: object, *args: object) -> Any:
        hear(self)
        return before(self, *args)

    setattr(kind, name, heard)
    try:
        yield
    finally:
        setattr(kind, name, before)
