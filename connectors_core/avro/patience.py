"""Patience: how long the event loop and other callers may be kept by calls that block."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
WAIT_SECONDS = 3.0


class Patience:
    """Waits for calls, all together no longer than `seconds` in a row.

    Values are encoded on the data plane's loop, which counts as blocked when it is silent for 5 s.
    A limit for each call would not do: many tasks may ask, one after another, in one turn of the
    loop. So all callers share what is left, and it comes back second by second while nobody waits.
    Each call runs in a thread of its own and goes on when the caller gives up: it is there for the
    next who asks the same (`key`), and may keep what it found. Any thread may call.
    """

    def __init__(
        self, seconds: float = WAIT_SECONDS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._left = seconds
        self._at = clock()
        self._mutex = threading.Lock()
        self._calls: dict[Hashable, Future[Any]] = {}

    def run(self, key: Hashable, call: Callable[[], T]) -> T:
        """Return what a call returns, or raise what it raises. TimeoutError: no patience is left.

        `call` raises no TimeoutError of its own.
        """
        with self._mutex:
            began = self._clock()
            self._left = min(self.seconds, self._left + began - self._at)
            self._at = began
            left = self._left
            future: Future[T] = self._calls.get(key) or self._started(key, call)
        try:
            return future.result(left)
        finally:
            with self._mutex:
                self._at = self._clock()
                self._left = max(self._left - (self._at - began), 0.0)

    def _started(self, key: Hashable, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._calls[key] = future

        def work() -> None:
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                self._ended(key)
                future.set_exception(error)
            else:
                self._ended(key)
                future.set_result(result)

        threading.Thread(target=work, name="pyconnect-registry", daemon=True).start()
        return future

    def _ended(self, key: Hashable) -> None:
        with self._mutex:
            del self._calls[key]
