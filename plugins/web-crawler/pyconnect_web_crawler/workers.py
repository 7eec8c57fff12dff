"""Workers: at most so many coroutines at once, none of which outlives the block."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Workers(Generic[T]):
    """A changing set of tasks for a generator that yields between their results.

    Unlike a TaskGroup it never cancels the one who waits, so a yield inside the block is safe
    (PEP 789); leaving the block cancels what still runs and waits until it has ended.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[T]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def full(self) -> bool:
        """Say whether no further one may start."""
        return len(self._tasks) >= self._limit

    def start(self, work: Coroutine[Any, Any, T]) -> None:
        """Begin one more."""
        self._tasks.add(asyncio.create_task(work))

    async def results(self, seconds: float | None) -> list[T]:
        """Wait at most `seconds` for the next results; raises what a worker raised."""
        if not self._tasks:
            await asyncio.sleep(seconds or 0)
            return []
        done, self._tasks = await asyncio.wait(
            self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        return [task.result() for task in done]
