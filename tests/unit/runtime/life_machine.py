"""A state machine over the whole runtime: what is fed is stored once, in order, with its offset.

Hypothesis chooses what sources yield, when the store fails, and when somebody pauses, resumes and
restarts. Each source partition has a script of units; its generator knows nothing but the offset and
the keyed state, and finds fault with a state that is not its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors_core import Batch, Config, Record, Reject, Retry, Source
from connectors_core.api.errors import StoreError
from connectors_core.herder.standalone import Standalone
from connectors_core.stores.memory import MemoryState, MemoryStore
from tests.unit.runtime.conftest import Lab, NoSchemas

PARTITIONS = 3
SECONDS = 30.0
KINDS = ("record", "pair", "batch", "state", "reject", "empty")


class Feed:
    """What the partitions have: a list of kinds each.

    `trouble` waits to be raised, by partition, `midway` until a unit of two records is half read.
    """

    def __init__(self) -> None:
        self.kinds: list[list[str]] = [[] for _ in range(PARTITIONS)]
        self.trouble: list[list[Exception]] = [[] for _ in range(PARTITIONS)]
        self.midway: list[list[Exception]] = [[] for _ in range(PARTITIONS)]
        self.faults: list[str] = []

    def values(self, p: int, number: int) -> list[Any]:
        """Return the values of a unit, counted from 1."""
        kind = self.kinds[p][number - 1]
        count = {"record": 1, "pair": 2, "batch": 2}.get(kind, 0)
        return [{"p": p, "n": number, "i": i} for i in range(count)]

    def items(self, p: int, number: int) -> Iterator[Any]:
        """Give what a source yields for a unit."""
        kind, offset = self.kinds[p][number - 1], {"n": number}
        records = [Record(each) for each in self.values(p, number)]
        if kind in ("record", "pair"):
            yield from records[:-1]
            yield Record(records[-1].value, offset=offset)
        elif kind == "reject":
            yield Reject("no record", b"x", offset)
        else:
            state = {"done": number, f"unit|{number:04d}": kind} if kind != "empty" else {}
            yield Batch(records, offset, state)

    def after(self, p: int, number: int) -> Iterator[Any]:
        """Give the items of the next unit, none if there is none yet."""
        if number < len(self.kinds[p]):
            yield from self.items(p, number + 1)

    def look(self, p: int, number: int, found: list[tuple[str, Any]]) -> None:
        """Find fault with a state that is not the one after so many units."""
        if dict(found) != self.state(p, number):
            self.faults.append(f"partition {p} at {number} sees the state {found}")

    def state(self, p: int, count: int) -> dict[str, Any]:
        """Return the keyed state after so many units."""
        kept = [n for n in range(1, count + 1) if self.kinds[p][n - 1] in ("batch", "state")]
        rows: dict[str, Any] = {f"unit|{n:04d}": self.kinds[p][n - 1] for n in kept}
        return rows | ({"done": kept[-1]} if kept else {})


def source_of(feed: Feed) -> type[Source[Config]]:
    """Return a source that reads the feed for ever."""

    class Fed(Source[Config]):
        name = "fed"

        async def partitions(self) -> list[dict[str, int]]:
            return [{"p": p} for p in range(PARTITIONS)]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            p, number = partition["p"], offset["n"] if offset else 0
            while True:
                feed.look(p, number, self.context.state(partition).scan())
                for place, item in enumerate(feed.after(p, number)):
                    if place == 1 and feed.midway[p]:
                        raise feed.midway[p].pop(0)
                    number += item.offset is not None
                    yield item
                if feed.trouble[p]:
                    raise feed.trouble[p].pop(0)
                await asyncio.sleep(0.001)

    return Fed


class Life(RuleBasedStateMachine):
    """One connector of three partitions on the memory store."""

    def __init__(self) -> None:
        super().__init__()
        self.feed, self.broken = Feed(), Counter[str]()
        self.paused = False
        self.runner = asyncio.Runner()
        self.herder: Standalone | None = None

    @initialize(tasks=st.integers(1, 2), linger=st.sampled_from([0, 3]))
    def start(self, tasks: int, linger: int) -> None:
        """Begin."""
        self.lab = Lab()
        self.lab.store = MemoryStore(crash=self.reached)
        spec = self.lab.spec(
            source_of(self.feed),
            tasks_max=tasks,
            commit_linger_ms=linger,
            errors_tolerance="all",
            restart_max=-1,
        )
        self.herder = Standalone([spec], self.lab.store, NoSchemas())
        self.runner.run(self.herder.start())

    def reached(self, point: str) -> None:
        """Fail a commit at a point, if that waits to happen; after `committed` it is stored."""
        if self.broken[point]:
            self.broken[point] -= 1
            raise StoreError(f"planted at {point}")

    @rule(p=st.integers(0, PARTITIONS - 1), kinds=st.lists(st.sampled_from(KINDS), max_size=6))
    def more(self, p: int, kinds: list[str]) -> None:
        """Have more to read."""
        self.feed.kinds[p] += kinds

    @rule(
        p=st.integers(0, PARTITIONS - 1),
        error=st.sampled_from([Retry, ValueError, OSError]),
        midway=st.booleans(),
    )
    def fail(self, p: int, error: type[Exception], midway: bool) -> None:
        """Have the source fail once."""
        found = Retry(after=0.001) if error is Retry else error("planted")
        (self.feed.midway if midway else self.feed.trouble)[p].append(found)

    @rule(point=st.sampled_from(["begin", "write", "offset", "commit", "committed"]))
    def break_a_commit(self, point: str) -> None:
        """Have a commit fail, at an instant that the runtime can't tell from another."""
        self.broken[point] += 1

    @rule(verb=st.sampled_from(["pause", "resume", "restart"]))
    def command(self, verb: str) -> None:
        """Do what an operator does."""
        assert self.herder is not None
        self.paused = {"pause": True, "resume": False}.get(verb, self.paused)
        self.runner.run(self.herder.command(verb, "c"))

    @rule(seconds=st.floats(0, 0.01))
    def wait(self, seconds: float) -> None:
        """Let it work."""
        self.runner.run(asyncio.sleep(seconds))

    @rule()
    def settle(self) -> None:
        """Wait until all is stored, and look at it."""
        self.runner.run(self.settled())

    @invariant()
    def nothing_is_stored_that_was_not_to_be(self) -> None:
        """At every instant the offsets and the state are those of the records that are there."""
        if self.herder is not None:
            self.look()

    def teardown(self) -> None:
        """End it, whatever happened."""
        try:
            if self.herder is not None:
                self.runner.run(self.settled())
        finally:
            if self.herder is not None:
                self.runner.run(self.herder.stop())
            self.runner.close()

    async def settled(self) -> None:
        assert self.herder is not None
        if self.paused:
            self.paused = False
            await self.herder.command("resume", "c")
        deadline = time.monotonic() + SECONDS
        while not self.all_there():
            assert time.monotonic() < deadline, f"not all is stored: {self.told()}"
            await asyncio.sleep(0.002)
        self.look()

    def all_there(self) -> bool:
        offsets = self.offsets()
        return all(offsets.get(p, 0) == len(kinds) for p, kinds in enumerate(self.feed.kinds))

    def offsets(self) -> dict[int, int]:
        """Return the committed offset of every partition."""
        stored = self.lab.store.reader().offsets()
        return {json.loads(key)["p"]: json.loads(value)["n"] for _, key, value in stored}

    def look(self) -> None:
        """Assert that records, offsets and state are of one instant."""
        assert not self.feed.faults, self.feed.faults
        # Two looks that agree had no commit between them.
        seen = self.seen()
        while (again := self.seen()) != seen:
            seen = again
        offsets, values, states, rejects = seen
        done = [kinds[: offsets.get(p, 0)] for p, kinds in enumerate(self.feed.kinds)]
        wanted = sum(kinds.count("reject") for kinds in done)
        assert rejects == wanted, f"{rejects} rejects are seen, not {wanted}"
        for p, kinds in enumerate(self.feed.kinds):
            count = offsets.get(p, 0)
            wanted = [each for n in range(1, count + 1) for each in self.feed.values(p, n)]
            assert values.get(p, []) == wanted, f"partition {p} at {count}"
            assert states[p] == self.feed.state(p, count), f"partition {p} at {count}"
            assert count <= len(kinds)

    def seen(self) -> tuple[dict[int, int], dict[int, list[Any]], list[dict[str, Any]], int]:
        store = self.lab.store
        values: dict[int, list[Any]] = {}
        for each in self.lab.values():
            values.setdefault(each["p"], []).append(each)
        states = []
        for p in range(PARTITIONS):
            rows = MemoryState(store._log, ("c", f'{{"p":{p}}}')).scan("", "", 10_000)
            states.append({key: json.loads(value) for key, value in rows})
        return self.offsets(), values, states, len(self.lab.records("c-dlq"))

    def told(self) -> Any:
        assert self.herder is not None
        return self.herder.statuses()[0], self.offsets(), self.feed.kinds
