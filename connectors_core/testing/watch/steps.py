"""Steps: hears of every wait of an awaitable; and what cancels a coroutine at one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any


class Steps:
    """`await Steps(awaitable, waits)` awaits it, and calls `waits()` each time that it waits."""

    def __init__(self, inner: Awaitable[Any], waits: Callable[[], None]) -> None:
        self._inner = inner
        self._waits = waits

    def __await__(self) -> Generator[Any, Any, Any]:
        iterator = self._inner.__await__()
        thrown: BaseException | None = None
        while True:
            try:
                waits_for = iterator.send(None) if thrown is None else iterator.throw(thrown)
            except StopIteration as end:
                return end.value
            self._waits()
            thrown = None
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - handed on to where it belongs
                thrown = error


class Stop:
    """Cancels a coroutine at the `wait`-th call; `waits` counts them, `fired` says whether it did."""

    def __init__(self, wait: int | None = None) -> None:
        self.waits = 0
        self._wait = wait
        self.fired = False
        self._cancelled = asyncio.Event()
        self._task: asyncio.Task[Any]

    def __call__(self) -> None:
        """Count a wait."""
        self.waits += 1
        if self.waits == self._wait:
            # Not at once: what it waits for must be registered first.
            asyncio.get_running_loop().call_soon(self._cancel)

    async def run(self, coroutine: Coroutine[Any, Any, Any], seconds: float) -> bool:
        """Await a coroutine; False if it is not done `seconds` after it was cancelled."""
        self._task = asyncio.create_task(coroutine)
        watch = asyncio.create_task(self._cancelled.wait())
        await asyncio.wait({self._task, watch}, return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        done, _ = await asyncio.wait({self._task}, timeout=seconds)
        if done and not self._task.cancelled():
            self._task.result()
        return bool(done)

    def _cancel(self) -> None:
        self.fired = not self._task.done()
        self._cancelled.set()
        self._task.cancel()
