"""The data plane: an event loop in a thread of its own, with the writers that commit on it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from connectors_core.api.store import Store
from connectors_core.runtime.budget import Budget
from connectors_core.runtime.context import Shared
from connectors_core.runtime.slot_thread import SlotThread
from connectors_core.runtime.writer import SchemaLog, Writer

log = logging.getLogger(__name__)
T = TypeVar("T")
BEAT_SECONDS = 0.5
OWNER = "pyconnect:"
_STACK_LINES = 4
_marked: ContextVar[str] = ContextVar("pyconnect_owner")


@dataclass(frozen=True, slots=True)
class Silence:
    """A loop that does not answer: for how long, in which task, and where it is."""

    seconds: float
    owner: str
    stack: str


class Plane:
    """Runs coroutines on a loop of its own. A plugin that blocks it can be found and left behind.

    A plane that is abandoned is never used again; another one takes over its connectors.
    """

    def __init__(self, store: Store, schemas: SchemaLog, budget: Budget) -> None:
        self.store = store
        self.budget = budget
        self._schemas = schemas
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_named)  # type: ignore[arg-type]  # typeshed's protocol is private
        self._writers: dict[str, Writer] = {}
        self._opening: dict[str, asyncio.Task[Writer]] = {}
        self.shared: Shared
        self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._main, name="data-plane", daemon=True)
        self._stopping = False

    def start(self) -> None:
        """Start the thread; returns when the loop runs."""
        ready = threading.Event()
        self._loop.call_soon(self._prepare, ready)
        self._thread.start()
        ready.wait()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop, from another thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def post(self, function: Callable[[], None]) -> None:
        """Call a function on the loop soon; from any thread."""
        self._loop.call_soon_threadsafe(function)

    async def writer(self, connector: str) -> Writer:
        """Return the writer of a connector's slot; the first caller acquires the slot.

        Slots are acquired side by side: on a cluster each takes some round trips.
        """
        name = self.store.slot_name(connector)
        opening = self._opening.get(name)
        if opening is None:
            opening = self._opening[name] = asyncio.create_task(
                self._open(name), name=f"slot-{name}"
            )
        try:
            return await asyncio.shield(opening)
        except BaseException:
            if opening.done() and self._opening.get(name) is opening:
                del self._opening[name]  # the next caller tries again
            raise

    async def _open(self, name: str) -> Writer:
        thread = SlotThread(name)
        try:
            slot = await thread.call(self.store.acquire, name)
        except BaseException:
            thread.stop()
            raise
        self._writers[name] = writer = Writer(name, slot, thread, self._schemas)
        writer.start()
        return writer

    async def give_up(self, writer: Writer) -> None:
        """Close a writer that was fenced; the next caller of `writer` acquires its slot anew.

        No run may commit through it any more.
        """
        if self._writers.get(writer.name) is writer:
            del self._writers[writer.name], self._opening[writer.name]
            await writer.close()

    def note(self, connector: str) -> str:
        """Return what the writer of a connector wants to be shown (the store is full)."""
        writer = self._writers.get(self.store.slot_name(connector))
        return "" if writer is None else writer.note

    def silence(self) -> Silence:
        """Tell how long the loop has been silent, and who keeps it; from another thread."""
        seconds = time.monotonic() - self._beat - BEAT_SECONDS
        if seconds <= BEAT_SECONDS:
            return Silence(seconds, "", "")
        task = asyncio.current_task(self._loop)
        frames = sys._current_frames()  # noqa: SLF001 - the one way to see another thread's stack
        frame = frames.get(self._thread.ident or 0)
        owner = task.get_name() if task is not None else _owner_of_callback(frame)
        lines = traceback.format_stack(frame) if frame and owner else []
        lines = [line for line in lines if not _ours(line)][-_STACK_LINES:]
        return Silence(
            seconds, owner.removeprefix(OWNER) if owner.startswith(OWNER) else "", "".join(lines)
        )

    def stop(self, grace: float) -> None:
        """Close the writers and end the thread; a loop that does not answer is left behind."""
        closing = self.submit(self._close())
        try:
            closing.result(grace)
        except (TimeoutError, Exception) as error:
            log.warning("data plane did not close in time", extra={"error": repr(error)})
        self.abandon()
        self._thread.join(0.5)

    def abandon(self) -> None:
        """Let the loop end as soon as it answers again; nothing waits for it."""
        self._stopping = True
        for writer in self._writers.values():
            writer.thread.post(writer.slot.release)  # it is idempotent
            writer.thread.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _prepare(self, ready: threading.Event) -> None:
        self.shared = Shared()
        self._on_beat()
        ready.set()

    def _on_beat(self) -> None:
        self._beat = time.monotonic()
        self._loop.call_later(BEAT_SECONDS, self._on_beat)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._stopping:
            try:
                self._loop.run_forever()
            except (KeyboardInterrupt, SystemExit) as error:
                text = "a plugin's own task tried to end the process"
                log.error(text, extra={"error": repr(error)})  # noqa: TRY400 - no trace of a user's
        self._drain()

    def _drain(self) -> None:
        """Cancel what is left until it ends; a task that swallows cancellations keeps this daemon
        thread, and nobody else, waiting."""
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=0.5))
        self._loop.close()

    async def _close(self) -> None:
        await asyncio.gather(*(writer.close() for writer in self._writers.values()))


def mark_owner() -> None:
    """Let callbacks that the running task schedules be known as its own, as its tasks are."""
    task = asyncio.current_task()
    assert task is not None, "called by a coroutine"
    _marked.set(task.get_name())


def _owner_of_callback(frame: FrameType | None) -> str:
    """Find whose `call_soon` or `call_later` keeps the loop: by the context that it runs in."""
    while frame is not None:
        if frame.f_code is asyncio.Handle._run.__code__:  # noqa: SLF001 - as above
            name: str = frame.f_locals["self"]._context.get(_marked, "")  # noqa: SLF001
            return name
        frame = frame.f_back
    return ""


def _ours(line: str) -> bool:
    """Say whether a stack line is the runtime's or the event loop's, not the plugin's."""
    return "connectors_core/runtime/" in line or "/asyncio/" in line or "threading.py" in line


def _named(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], **options: Any
) -> asyncio.Task[T]:
    """Make a task that carries its parent's name, so that the watchdog can tell whose it is."""
    task = asyncio.Task(coroutine, loop=loop, **options)
    parent = asyncio.current_task(loop)
    if parent is not None and not options.get("name") and parent.get_name().startswith(OWNER):
        task.set_name(parent.get_name())
    return task
