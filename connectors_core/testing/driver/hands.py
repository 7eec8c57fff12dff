"""Hands: pull the next item of a generator of either kind, and close it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from connectors_core.testing.law import Broken

END = object()
"""What is pulled after the last item."""


def hands(generator: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what pulls the next item and what closes a generator of either kind."""
    if isinstance(generator, AsyncIterator) and hasattr(generator, "aclose"):
        return lambda: anext(generator, END), generator.aclose
    if not isinstance(generator, Iterator):
        raise Broken(
            f"read returned {type(generator).__name__}; it must be a generator that yields."
        )
    thread = _OneThread()

    async def close() -> None:
        try:
            await thread.run(getattr(generator, "close", lambda: None))
        finally:
            thread.end()

    return lambda: thread.run(next, generator, END), close


class _OneThread:
    """Runs functions in one thread, as the runtime reads a plain generator.

    A daemon, unlike those of an executor: one that blocks for ever keeps nobody from exiting.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None]
        self._work = SimpleQueue()
        threading.Thread(target=self._serve, name="plain-source", daemon=True).start()

    def run(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Return what will be the function's result."""
        done: Future[Any] = Future()
        self._work.put((done, function, args))
        return asyncio.wrap_future(done)

    def end(self) -> None:
        """Let the thread end when it has done what it was given."""
        self._work.put(None)

    def _serve(self) -> None:
        while (job := self._work.get()) is not None:
            done, function, args = job
            if not done.set_running_or_notify_cancel():
                continue
            try:
                done.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                done.set_exception(error)
