"""The pump: drives one generator and does nothing else, so that a scope left open around a yield
(PEP 789) can cancel nothing but the pump itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Item
from connectors_core.runtime.calls import raised
from connectors_core.runtime.retry import describe

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.005
_CHECK_EVERY = 32


class Gate(Protocol):
    """What a pump asks of its task run for every item."""

    take: Callable[[Item], bool]
    """Take an item, or raise its error; True says to look at `refused` and `crowded`."""

    @property
    def given_up(self) -> bool:
        """Whether the run is over for good, so that a cancellation is no news."""
        ...

    refused: bool
    """Whether the item was not taken, because nothing more may be pulled."""

    def crowded(self) -> bool:
        """Say whether the read-ahead is full and a commit will make room."""
        ...

    async def room(self) -> None:
        """Wait until there is room."""
        ...


class AsyncPump:
    """Pulls an async generator on the loop. `run` and the generator's own scopes are one task."""

    def __init__(self, generator: AsyncGenerator[Item, None], gate: Gate) -> None:
        self._generator: Any = generator
        self._gate = gate
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Pull until the generator ends, fails, or `close` is called. Raises what it raised."""
        self._task = asyncio.current_task()
        try:
            if not self._stopped.is_set():  # `close` may come before the first turn of this task
                await self._pull()
        except asyncio.CancelledError:
            if not self._stopped.is_set() and not self._gate.given_up:
                raise self._yield_in_scope() from None
        except Exception:
            raise
        except BaseException as error:
            raise raised(error, "read") from error
        finally:
            await self._close_generator()

    async def close(self, grace: float) -> bool:
        """End the generator and wait for it; False if it did not end in `grace` seconds."""
        self._stopped.set()
        task = self._task
        if task is None or task.done():
            return True
        task.cancel()
        _, pending = await asyncio.wait([task], timeout=grace)
        return not pending

    async def _pull(self) -> None:
        gate, take = self._gate, self._gate.take
        clock, stopped = time.monotonic, self._stopped.is_set
        count, slice_end = 0, clock() + SLICE_SECONDS
        async for item in self._generator:
            if stopped():  # it has swallowed its cancellation: somebody else may read by now
                return
            if take(item):
                if gate.refused:
                    await self._stopped.wait()
                    return
                await gate.room()
                slice_end = clock() + SLICE_SECONDS
            count += 1
            if count % _CHECK_EVERY == 0 and clock() >= slice_end:
                await asyncio.sleep(0)
                slice_end = clock() + SLICE_SECONDS

    def _yield_in_scope(self) -> ContractError:
        frame = self._generator.ag_frame
        if frame is None:
            return ContractError(
                "read ended with a cancellation that nobody asked for: something in it was"
                " cancelled and not caught.",
                code="source.cancelled",
            )
        return ContractError(
            f"{frame.f_code.co_filename}:{frame.f_lineno}: a yield inside a timeout, task group or"
            " cancel scope was cancelled by that scope (PEP 789). Keep the scope in an input of"
            " `merge` and yield outside of it.",
            code="source.yield-in-scope",
        )

    async def _close_generator(self) -> None:
        line = getattr(self._generator.ag_frame, "f_lineno", 0)
        name = getattr(self._generator, "ag_code", None)
        try:
            await self._generator.aclose()
        except BaseException as error:
            if _yielded_in_group(error) and not self._stopped.is_set():
                where = f"{name.co_filename}:{line}" if name else "read"
                raise ContractError(
                    f"{where}: a yield inside a task group (PEP 789). Keep the group in an input"
                    " of `merge` and yield outside of it.",
                    code="source.yield-in-scope",
                ) from None
            # What it did before counts; how it went away does not.
            log.debug("generator did not close well", extra={"error": describe(error)})


def _yielded_in_group(error: BaseException) -> bool:
    return isinstance(error, BaseExceptionGroup) and error.subgroup(GeneratorExit) is not None
