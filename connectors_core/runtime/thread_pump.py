"""The pump of a plain (blocking) generator: one thread a partition, no thread hop a record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from connectors_core.api.record import Item
from connectors_core.runtime.calls import raised
from connectors_core.runtime.pump import Gate


class ThreadPump:
    """Pulls a plain generator in a thread of its own and accepts its items there.

    `lock` keeps two generators of one task apart. A generator that blocks for ever can't be
    ended; its thread is left behind, and nothing that it yields later is accepted.
    """

    def __init__(
        self,
        iterator: Iterator[Item],
        gate: Gate,
        lock: threading.Lock,
        rooms: set[threading.Event],
    ) -> None:
        self._iterator = iterator
        self._gate = gate
        self._lock = lock
        self._rooms = rooms
        self._room = threading.Event()
        self._stopped = threading.Event()
        self._done: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Pull until the generator ends, fails, or `close` is called. Raises what it raised."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._done = done
        self._rooms.add(self._room)

        def work() -> None:
            error = self._pull()
            try:
                loop.call_soon_threadsafe(_resolve, done, error)
            except RuntimeError:
                return  # the loop is gone, and so is whoever waited

        threading.Thread(target=work, name="pyconnect-source", daemon=True).start()
        try:
            await asyncio.shield(done)
        finally:
            self._rooms.discard(self._room)

    async def close(self, grace: float) -> bool:
        """End the generator and wait for it; False if it did not end in `grace` seconds."""
        self._stopped.set()
        self._room.set()
        if self._done is None:
            return True
        _, pending = await asyncio.wait([self._done], timeout=grace)
        return not pending

    def _pull(self) -> BaseException | None:
        try:
            self._pull_all()
        except Exception as error:
            return error
        except BaseException as error:
            return raised(error, "read")
        finally:
            self._close_iterator()
        return None

    def _pull_all(self) -> None:
        gate, lock, room, stopped = self._gate, self._lock, self._room, self._stopped
        take = gate.take
        if stopped.is_set():  # `close` may come before `run`
            return
        for item in self._iterator:
            with lock:
                if stopped.is_set():  # perhaps long ago, and somebody else reads by now
                    return
                crowded = take(item)
            if gate.refused or stopped.is_set():
                stopped.wait()
                return
            while crowded and not stopped.is_set():
                # Cleared first, looked at after: a wake-up between the two is not lost.
                room.clear()
                crowded = gate.crowded() and not stopped.is_set()
                if crowded:
                    room.wait()

    def _close_iterator(self) -> None:
        close: Any = getattr(self._iterator, "close", None)
        try:
            if close is not None:
                close()
        except BaseException:
            return


def _resolve(done: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # whoever waited may be gone
