"""MemoryContext: what a source needs of the runtime, in memory, for unit tests of a plugin."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Self

from connectors_core.api.record import (
    Batch,
    Item,
    Json,
    JsonScalar,
    Offset,
    Partition,
    Record,
    Reject,
    flat,
)
from connectors_core.api.source import Source
from connectors_core.runtime.context import Shared, check_facts
from connectors_core.runtime.state import encode_state
from connectors_core.testing.clock import VirtualClock


class MemoryState:
    """Keyed state in a dict; `rows` maps a key to canonical JSON."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""
        return json.loads(self.rows[key]) if key in self.rows else None

    def get_many(self, keys: Iterable[str]) -> dict[str, Json]:
        """Return the values of those keys that exist."""
        return {key: json.loads(self.rows[key]) for key in keys if key in self.rows}

    def scan(
        self, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[tuple[str, Json]]:
        """Return up to `limit` pairs in the order of the keys' UTF-8 bytes."""
        found = sorted(
            (key for key in self.rows if key.startswith(prefix) and key.encode() > after.encode()),
            key=str.encode,
        )
        return [(key, json.loads(self.rows[key])) for key in found[:limit]]

    def write(self, rows: Mapping[str, Any]) -> None:
        """Store rows; None deletes. Raises ContractError for what the runtime would not store."""
        for key, text in encode_state(rows).items():
            if text is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = text


class MemoryContext:
    """A SourceContext whose committed side is plain to see.

    `offsets` and `records` are what was applied; `paced`, `held` and `reported` list the calls.
    `session` is exclusive as in a worker. `pace` waits on a `clock` as it would in a worker;
    without one it never does.
    """

    def __init__(self, connector: str = "test", clock: VirtualClock | None = None) -> None:
        self.connector = connector
        self.clock = clock
        self._shared = Shared() if clock is None else Shared(clock.now, clock.sleep)
        self.states: dict[Partition, MemoryState] = {}
        self.offsets: dict[Partition, Offset] = {}
        self.records: list[Record] = []
        self.rejects: list[Reject] = []
        self.paced: list[tuple[str, float]] = []
        self.held: list[tuple[str, float]] = []
        self.reported: list[tuple[Partition, dict[str, JsonScalar]]] = []

    def copy(self) -> Self:
        """Return what a new process would find: the committed side, and nothing of the calls."""
        other = type(self)(self.connector, self.clock)
        other.states = copy.deepcopy(self.states)
        other.offsets = dict(self.offsets)
        other.records = list(self.records)
        other.rejects = list(self.rejects)
        return other

    def state(self, partition: Mapping[str, JsonScalar]) -> MemoryState:
        """Return the keyed state of a partition."""
        return self.states.setdefault(Partition(partition), MemoryState())

    def session(self, name: str, limit: int = 1) -> AbstractAsyncContextManager[None]:
        """Hold one of `limit` places; the first caller's limit counts. Raises on another limit."""
        return self._shared.session(name, limit)

    async def pace(self, name: str, per_second: float) -> None:
        """Note the call, and wait for a token if there is a clock."""
        self.paced.append((name, per_second))
        if self.clock is not None:
            await self._shared.pace(name, per_second)

    def hold(self, name: str, seconds: float) -> None:
        """Note the call, and make everyone who paces on `name` wait if there is a clock."""
        self.held.append((name, seconds))
        if self.clock is not None:
            self._shared.hold(name, seconds)

    def report(self, partition: Mapping[str, JsonScalar], **facts: JsonScalar) -> None:
        """Note the call. Raises ContractError for what is no scalar."""
        check_facts(facts)
        self.reported.append((Partition(partition), facts))

    def apply(self, partition: Mapping[str, JsonScalar], item: Item) -> None:
        """Commit one item, as a runtime that commits after every item would."""
        place = Partition(item.partition or partition)
        if isinstance(item, Batch):
            self.records.extend(item.records)
            self.state(place).write(item.state)
        elif isinstance(item, Record):
            self.records.append(item)
        else:
            self.rejects.append(item)
        if item.offset is not None:
            flat(item.offset, "offset")
            self.offsets[place] = dict(item.offset)

    async def run(
        self, source: Source[Any], partition: Mapping[str, JsonScalar], limit: int | None = None
    ) -> int:
        """Open, read one partition from its offset, apply up to `limit` items, close.

        Returns how many items were applied. The generator is closed after the last one, as a
        runtime that is stopped would.
        """
        place, count = Partition(partition), 0
        await _done(source.open())
        try:
            items = source.read(place, self.offsets.get(place))
            if not isinstance(items, AsyncIterator):
                raise TypeError("MemoryContext.run reads async generators only")
            if limit == 0:
                return 0
            async with aclosing(items) as stream:  # type: ignore[type-var]
                async for item in stream:
                    self.apply(place, item)
                    count += 1
                    if count == limit:
                        break
        finally:
            await _done(source.close())
        return count


async def _done(result: object) -> None:
    """Await what an `async def` gave; a plain `def` is allowed wherever async stands."""
    if inspect.isawaitable(result):
        await result
