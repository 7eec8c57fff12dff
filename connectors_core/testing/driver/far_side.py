"""FarSide: an upstream on a loop and a thread of its own, as another machine would be."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.runtime.retry import describe
from connectors_core.testing.law import Broken

START_SECONDS = 30.0


class FarSide:
    """`async with FarSide(Upstream) as far:` runs an upstream until the block ends.

    Its own thread keeps a source that blocks its loop from blocking the upstream as well. What the
    upstream raises is raised here; when the block ends with Broken, it is part of that. `threads`
    are the ids of that thread and of those that `asyncio.to_thread` works on there; `options` is
    what `config()` gave.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self.options: Mapping[str, Any] = {}
        self.threads: set[int] = set()
        self._stopped: asyncio.Future[None]

    async def __aenter__(self) -> FarSide:
        self._loop = asyncio.new_event_loop()
        near = asyncio.get_running_loop()
        self._stopped = near.create_future()
        self._running = threading.Thread(
            target=self._run, args=(near,), name="far-side", daemon=True
        )
        self._running.start()
        try:
            await self._on_loop(self._start)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *trace: object
    ) -> None:
        try:
            if isinstance(error, Broken):
                await self._end_after(error)
            else:
                await self._on_loop(lambda: self._upstream.__aexit__(kind, error, *trace))
        finally:
            await self._end()

    async def _end_after(self, broken: Broken) -> None:
        """End an upstream as if all was well, so that it tells what it has collected."""
        try:
            await self._on_loop(lambda: self._upstream.__aexit__(None, None, None))
        except Exception as error:
            raise Broken(f"{broken} The upstream raised {describe(error)}.") from error

    async def expected(self) -> list[Any] | None:
        """Return the values that a complete read gives, None if the upstream does not tell."""
        if not hasattr(self._upstream, "expected"):
            return None
        return list(await self._on_loop(lambda: self._upstream.expected()))

    async def fault(self, kind: str) -> bool:
        """Do harm of this kind, `none` to do no more; False if the upstream can't."""
        if not hasattr(self._upstream, "fault"):
            return False
        try:
            await self._on_loop(lambda: self._upstream.fault(kind))
        except NotImplementedError:
            return False
        return True

    async def grow(self) -> list[Any] | None:
        """Have the upstream get more; return the values of that, None if it can't."""
        if not hasattr(self._upstream, "grow"):
            return None
        return list(await self._on_loop(lambda: self._upstream.grow()))

    async def configure(self) -> None:
        """Ask for the options again: under some faults they lead elsewhere."""
        self.options = dict(await self._on_loop(lambda: self._upstream.config()))

    async def cpu(self) -> float:
        """Return how many seconds of CPU the upstream's thread has used."""
        used: float = await self._on_loop(time.thread_time)
        return used

    def requests(self) -> Sequence[Any]:
        """Return what was asked of the upstream so far, empty if it takes no notes."""
        return tuple(getattr(self._upstream, "requests", ()))

    async def _start(self) -> None:
        self._upstream = self._make()
        async with asyncio.timeout(START_SECONDS):
            await self._upstream.__aenter__()
        self.options = dict(self._upstream.config())

    def _run(self, near: asyncio.AbstractEventLoop) -> None:
        self._note_thread()
        executor = ThreadPoolExecutor(thread_name_prefix="far-side", initializer=self._note_thread)
        self._loop.set_default_executor(executor)
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        near.call_soon_threadsafe(self._stopped.set_result, None)

    def _note_thread(self) -> None:
        self.threads.add(threading.get_ident())

    async def _on_loop(self, function: Callable[[], Any]) -> Any:
        async def work() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def _end(self) -> None:
        tasks = asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop)
        await asyncio.wrap_future(tasks)
        self._loop.call_soon_threadsafe(self._loop.stop)
        await self._stopped
        self._running.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.get_running_loop().shutdown_default_executor()


def require_upstream(upstream: Any, who: str) -> None:
    """Raise ConfigError unless `upstream` makes what can be entered and has a `config`."""
    for name in ("__aenter__", "__aexit__", "config"):
        if isinstance(upstream, type) and not hasattr(upstream, name):
            raise ConfigError(
                f"{who}.upstream: {upstream.__name__} has no {name}. Its instances are async"
                " context managers with config(), which returns options of the source.",
                code="contract.upstream",
            )
