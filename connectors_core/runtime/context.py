"""What the runtime offers a source, and the resources that a worker's sources share."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from connectors_core.api.errors import ContractError
from connectors_core.api.record import JsonScalar, Partition
from connectors_core.runtime.metrics import Counters

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from connectors_core.api.source import State

_FACTS = 64


class Shared:
    """Sessions and budgets of one worker; lives on one loop."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._sessions: dict[str, tuple[int, asyncio.Semaphore]] = {}
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}

    @asynccontextmanager
    async def session(self, name: str, limit: int = 1) -> AsyncIterator[None]:
        """Hold one of `limit` places; the first caller's limit counts. Raises on another limit."""
        known, places = self._sessions.setdefault(name, (limit, asyncio.Semaphore(limit)))
        if known != limit:
            raise ContractError(
                f"session {name!r} was opened with limit {known}, now {limit}. Use one limit.",
                code="source.session",
            )
        async with places:
            yield

    async def pace(self, name: str, per_second: float) -> None:
        """Wait for a token; tokens come evenly, `per_second` of them, and none are saved up."""
        if not per_second > 0:  # NaN is not either
            raise ContractError(
                f"pace {name!r}: per_second must be above 0, got {per_second}.",
                code="source.pace",
            )
        start = max(self._clock(), self._next.get(name, 0.0))
        self._next[name] = start + 1.0 / per_second
        while (wait := max(start, self._held.get(name, 0.0)) - self._clock()) > 0:
            await self._sleep(wait)

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait at least this long from now."""
        if not math.isfinite(seconds):
            raise ContractError(
                f"hold {name!r}: must be a finite number of seconds, got {seconds}.",
                code="source.pace",
            )
        until = self._clock() + max(0.0, seconds)
        self._held[name] = max(until, self._held.get(name, 0.0))
        self._next[name] = max(self._held[name], self._next.get(name, 0.0))


class Context:
    """`SourceContext` of one task run."""

    def __init__(
        self,
        connector: str,
        shared: Shared,
        counters: Counters,
        state: Callable[[Partition], State],
    ) -> None:
        self._connector = connector
        self._shared = shared
        self._counters = counters
        self._state = state

    @property
    def connector(self) -> str:
        """The connector's name."""
        return self._connector

    def state(self, partition: Mapping[str, JsonScalar]) -> State:
        """Return the keyed state of a partition that this source reads."""
        return self._state(as_partition(partition))

    def session(self, name: str, limit: int = 1) -> AbstractAsyncContextManager[None]:
        """Hold one of `limit` places of an exclusive resource of the worker."""
        return self._shared.session(name, limit)

    async def pace(self, name: str, per_second: float) -> None:
        """Wait for a token of the worker's shared budget `name`."""
        await self._shared.pace(name, per_second)

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait (a Retry-After)."""
        self._shared.hold(name, seconds)

    def report(self, partition: Mapping[str, JsonScalar], **facts: JsonScalar) -> None:
        """Show facts of a partition in `run` and `status`; at most 64 a partition."""
        check_facts(facts)
        shown = self._counters.facts.get(as_partition(partition).key, {})
        merged = {**shown, **facts}
        self._counters.facts[as_partition(partition).key] = dict(list(merged.items())[:_FACTS])


def check_facts(facts: Mapping[str, object]) -> None:
    """Raise ContractError for what `status` could not show, of this connector or any other."""
    for name, value in facts.items():
        if not isinstance(value, str | int | float | None):
            raise ContractError(
                f"report: {name} must be text, a number, true, false or None, got"
                f" {type(value).__name__}.",
                code="source.report",
            )


def as_partition(partition: Mapping[str, JsonScalar]) -> Partition:
    """Return the partition itself, or one made of a plain map."""
    return partition if isinstance(partition, Partition) else Partition(partition)
