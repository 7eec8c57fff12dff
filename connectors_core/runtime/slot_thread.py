"""The thread of a slot."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class SlotThread:
    """A thread of its own for the blocking calls of a slot. A daemon: a store that hangs must not
    keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"slot-{name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function on the thread. Not undone by cancelling: the call still runs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args)
            except BaseException as error:
                settle(future.set_exception, error)
            else:
                settle(future.set_result, result)

        def settle(method: Callable[[Any], None], outcome: Any) -> None:
            try:
                loop.call_soon_threadsafe(lambda: None if future.done() else method(outcome))
            except RuntimeError:  # the loop was abandoned by the watchdog
                log.warning("a slot's call ended after its loop")

        self._calls.put(work)
        return await future

    def post(self, function: Callable[[], None]) -> None:
        """Run a function on the thread after the calls that are queued; nobody waits for it."""

        def work() -> None:
            try:
                function()
            except Exception as error:
                log.debug("a slot's last call failed", extra={"error": repr(error)})

        self._calls.put(work)

    def stop(self) -> None:
        """End the thread after the calls that are queued."""
        self._calls.put(None)
