"""merge and every: several async iterables as one, each driven by a task of its own.

The cure for timers, for backfill beside live data, and for a yield inside a timeout or a task
group (PEP 789): the scopes stay in the inputs, the generator only yields what `merge` hands it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class every(AsyncIterator[T], Generic[T]):  # noqa: N801 - reads as a word: merge(live(), every(10.0))
    """Give `value` every `seconds`, by a clock that never jumps. Never ends a `merge`."""

    def __init__(self, seconds: float, value: T | None = None) -> None:
        if seconds <= 0:
            raise ValueError(f"every: seconds must be above 0, got {seconds}")
        self._seconds = seconds
        self._value = value
        self._next: float | None = None

    def __aiter__(self) -> every[T]:
        return self

    async def __anext__(self) -> T:
        now = asyncio.get_running_loop().time()
        due = now + self._seconds if self._next is None else max(self._next, now)
        self._next = due + self._seconds
        await asyncio.sleep(due - now)
        return self._value  # type: ignore[return-value]


class merge(AsyncIterator[T], Generic[T]):  # noqa: N801 - used as `async with merge(...)`
    """Give the items of all inputs as they come, in order within each input.

    At most `limit` items wait; then the inputs wait. Ends when every input has ended, tickers
    (`every`) not counted. An input's exception is raised after the items that came before it.
    Leaving the block cancels the inputs and waits until each is closed.
    """

    def __init__(self, *inputs: AsyncIterable[T], limit: int = 256) -> None:
        self._inputs = inputs
        self._limit = limit
        self._items: deque[T] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._failure: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open = sum(not isinstance(each, every) for each in inputs)

    async def __aenter__(self) -> merge[T]:
        self._tasks = [asyncio.create_task(self._drive(each)) for each in self._inputs]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drive(self, source: AsyncIterable[T]) -> None:
        try:
            async for item in source:
                self._items.append(item)
                self._ready.set()
                if len(self._items) >= self._limit:
                    self._room.clear()
                    await self._room.wait()
        except BaseException as error:
            # Kept for the consumer: a SystemExit that left this task would end everybody's loop.
            self._failure = self._failure or error
        finally:
            self._open -= not isinstance(source, every)
            self._ready.set()
            close: Any = getattr(source, "aclose", None)
            if close is not None:
                await close()

    def __aiter__(self) -> merge[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._failure is not None:
                raise self._failure
            if self._open <= 0:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        item = self._items.popleft()
        if len(self._items) <= self._limit // 2:
            self._room.set()
        return item
