"""Sources and transforms that break every rule they can, each by its option `how`."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from connectors_core import Batch, Config, Record, Reject, Source, Transform, hookimpl, merge


class Options(Config):
    """What to do wrong, and where."""

    how: str = Field("", description="What it does.")
    where: str = Field("", description="Where it does it.")
    count: int = Field(10, description="How many records it has; -1 has no end.")
    pause: float = Field(0.0, description="Seconds between two records.")
    size: int = Field(0, description="Characters of text in each record.")
    partitions: int = Field(1, description="How many partitions.")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


KINDS: dict[str, Any] = {
    "value-error": lambda: ValueError("bad"),
    "os-error": lambda: OSError("net"),
    "memory": MemoryError,
    "recursion": RecursionError,
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "cancelled": asyncio.CancelledError,
    "generator-exit": GeneratorExit,
    "stop-iteration": StopAsyncIteration,
    "base": lambda: BaseException("base"),
    "group": lambda: ExceptionGroup("group", [ValueError("a")]),
    "base-group": lambda: BaseExceptionGroup("group", [SystemExit(1)]),
    "unprintable": Unprintable,
}


class Counts(Source[Options]):
    """Numbers from 1, as it should be done."""

    name = "counts"

    async def partitions(self) -> Any:
        return (
            [{"p": p} for p in range(self.config.partitions)]
            if self.config.partitions > 1
            else [{}]
        )

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        text = "x" * self.config.size
        for n in itertools.count(offset["n"] + 1 if offset else 1):
            if n == self.config.count + 1:
                return
            yield Record({"n": n, "t": text} if text else {"n": n}, offset={"n": n})
            if self.config.pause:
                await asyncio.sleep(self.config.pause)


class PlainCounts(Counts):
    """The same from a plain generator."""

    name = "plain-counts"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        text = "x" * self.config.size
        for n in itertools.count(offset["n"] + 1 if offset else 1):
            if n == self.config.count + 1:
                return
            yield Record({"n": n, "t": text} if text else {"n": n}, offset={"n": n})
            if self.config.pause:
                time.sleep(self.config.pause)


class Raises(Source[Options]):
    """Raises `how` at `where`; three records come before."""

    name = "raises"

    def __init__(self, config: Options, context: Any) -> None:
        super().__init__(config, context)
        self.at("init")

    def at(self, place: str) -> None:
        if self.config.where == place:
            raise KINDS[self.config.how]()  # noqa: RSE102 - makes one

    async def open(self) -> None:
        self.at("open")

    async def close(self) -> None:
        self.at("close")

    async def partitions(self) -> Any:
        self.at("partitions")
        return [{}]

    async def committed(self, partition: Any, offset: Any) -> None:
        self.at("committed")

    def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        self.at("read")
        return self.give(offset)

    async def give(self, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, 4):
            yield Record({"n": n}, offset={"n": n})
        self.at("item")
        if self.config.where == "merge":
            async with merge(self.input()) as items:
                async for item in items:
                    yield item

    async def input(self) -> AsyncIterator[Record]:
        yield Record({"n": 4}, offset={"n": 4})
        self.at("merge")


class PlainRaises(Raises):
    """The same where everything is a plain function."""

    name = "plain-raises"

    def open(self) -> None:  # type: ignore[override]
        self.at("open")

    def close(self) -> None:  # type: ignore[override]
        self.at("close")

    def partitions(self) -> Any:
        self.at("partitions")
        return self.lazily()

    def lazily(self) -> Iterator[Any]:
        self.at("lazily")
        yield {}

    def committed(self, partition: Any, offset: Any) -> None:  # type: ignore[override]
        self.at("committed")

    def give(self, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        for n in range(offset["n"] + 1 if offset else 1, 4):
            yield Record({"n": n}, offset={"n": n})
        self.at("item")


def numbered(n: int, **more: Any) -> Record:
    return Record({"n": n}, **{"offset": {"n": n}, **more})


def once(*items: Any) -> Iterator[Any]:
    yield from items


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


ITEMS: dict[str, Any] = {
    "offset-int": lambda: [numbered(2, offset=5)],
    "offset-list": lambda: [numbered(2, offset=[5])],
    "offset-text": lambda: [numbered(2, offset="n")],
    "offset-nested": lambda: [numbered(2, offset={"n": [2]})],
    "offset-nan": lambda: [numbered(2, offset={"n": float("nan")})],
    "offset-keys": lambda: [numbered(2, offset={2: 2})],
    "offset-surrogate": lambda: [numbered(2, offset={"n": "\ud800"})],
    "offset-large": lambda: [numbered(2, offset={"n": "x" * 2000})],
    "offset-long-int": lambda: [numbered(2, offset={"n": 10**5000})],
    "offset-equal": lambda: [numbered(2), numbered(3, offset={"n": 2})],
    "offset-back": lambda: [numbered(2), numbered(3, offset={"n": 0})],
    "open-unit": lambda: [Record({"n": 2})],
    "item-none": lambda: [None],
    "item-dict": lambda: [{"n": 2}],
    "item-subclass": lambda: [type("Mine", (Record,), {})({"n": 2})],
    "item-partition": lambda: [numbered(2, partition={"p": 1})],
    "item-topic": lambda: [numbered(2, topic="nowhere")],
    "item-topic-list": lambda: [numbered(2, topic=[])],
    "item-headers": lambda: [numbered(2, headers=[("a", 1)])],
    "item-timestamp": lambda: [numbered(2, timestamp=-1)],
    "item-too-large": lambda: [Record({"n": 2, "t": "x" * 20_000_000}, offset={"n": 2})],
    "batch-once": lambda: [Batch(once(Record({"n": 2}), Record({"n": 3})), offset={"n": 3})],
    "batch-none": lambda: [Batch(None, offset={"n": 2})],  # type: ignore[arg-type]
    "batch-garbage": lambda: [Batch([{"n": 2}], offset={"n": 2})],  # type: ignore[list-item]
    "batch-offsets": lambda: [Batch([numbered(2)], offset={"n": 2})],
    "batch-state": lambda: [Batch(state=[1], offset={"n": 2})],  # type: ignore[arg-type]
    "batch-state-value": lambda: [Batch(state={"k": {1}}, offset={"n": 2})],
    "reject-number": lambda: [Reject("bad", raw=5, offset={"n": 2})],  # type: ignore[arg-type]
    "reject-text": lambda: [Reject("bad", raw="5", offset={"n": 2})],  # type: ignore[arg-type]
    "reject-reason": lambda: [Reject(5, raw=b"5", offset={"n": 2})],  # type: ignore[arg-type]
    "reject": lambda: [Reject("bad", raw=b"5", offset={"n": 2})],
}


class Gives(Source[Options]):
    """One good record, then what `how` names."""

    name = "gives"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        yield numbered(1)
        for item in ITEMS[self.config.how]():
            yield item


class PlainGives(Gives):
    """The same from a plain generator."""

    name = "plain-gives"

    def read(self, partition: Any, offset: Any) -> Iterator[Any]:  # type: ignore[override]
        yield numbered(1)
        yield from ITEMS[self.config.how]()


class Returns(Source[Options]):
    """A `read` that is no generator, or `partitions` that are none."""

    name = "returns"

    async def partitions(self) -> Any:
        garbage = {
            "none": None,
            "number": 5,
            "texts": ["a"],
            "same": [{}, {}],
            "nested": [{"a": []}],
        }
        return garbage[self.config.how] if self.config.where == "partitions" else [{}]

    def read(self, partition: Any, offset: Any) -> Any:
        async def waits() -> None:
            return

        return {"none": None, "number": 5, "list": [numbered(1)], "coroutine": waits()}[
            self.config.how
        ]


class ReadsAll(Source[Options]):
    """A `read_all` that does not say, or lies, of which partition its items are."""

    name = "reads-all"

    async def read_all(self, positions: Any) -> AsyncIterator[Any]:
        known = next(iter(positions))
        yield numbered(1, partition=known)
        given = {"none": None, "unknown": {"p": 99}, "garbage": 5}
        yield numbered(2, partition=given[self.config.how])


class Scopes(Source[Options]):
    """Yields inside a scope that is over while a commit is under way."""

    name = "scopes"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        scope: Any = asyncio.timeout(0.1) if self.config.how == "timeout" else asyncio.TaskGroup()
        async with scope:
            if self.config.how == "group":
                scope.create_task(self.soon())
            for n in range(1, 1_000_000):
                yield Record({"n": n, "t": "x" * 1000}, offset={"n": n})

    async def soon(self) -> None:
        await asyncio.sleep(0.1)
        raise ValueError("child")


class Odd(Source[Options]):
    """What is odd, and no fault of the record."""

    name = "odd"
    kept: tuple[Any, ...] = ()

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        yield numbered(1)
        how = self.config.how
        if how == "prints":
            print('{"connectors": []}')
            print("no end of line", end="")
        elif how == "exits-in-thread":
            thread = threading.Thread(target=sys.exit, args=(7,))
            thread.start()
            thread.join()
        elif how == "leaks-task":
            Odd.kept = (asyncio.create_task(asyncio.sleep(3600)),)
        elif how == "exits-in-task":
            task = Odd.kept = (asyncio.create_task(self.ends()),)
            await asyncio.wait(task)
        elif how == "recurses":
            recurse()
        yield numbered(2)

    async def ends(self) -> None:
        raise SystemExit(9)


class Hangs(Source[Options]):
    """One record, then it hangs as `how` says."""

    name = "hangs"

    async def open(self) -> None:
        if self.config.how == "open":
            await asyncio.sleep(3600)

    async def partitions(self) -> Any:
        if self.config.how == "partitions":
            await asyncio.sleep(3600)
        return [{}]

    async def committed(self, partition: Any, offset: Any) -> None:
        if self.config.how == "committed":
            await asyncio.sleep(3600)

    async def close(self) -> None:
        if self.config.how == "close":
            await asyncio.sleep(3600)

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        yield numbered((offset or {"n": 0})["n"] + 1)
        if self.config.how == "thread":
            await asyncio.to_thread(time.sleep, 3600)
        if self.config.how == "own-thread":
            threading.Thread(target=time.sleep, args=(3600,)).start()
        while True:
            try:
                await asyncio.sleep(3600)
            except BaseException:
                if self.config.how != "swallows":
                    raise


class PlainHangs(Source[Options]):
    """One record, then it blocks its thread."""

    name = "plain-hangs"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        yield numbered((offset or {"n": 0})["n"] + 1)
        time.sleep(3600)


class Blocks(Source[Options]):
    """Blocks the event loop at `where`."""

    name = "blocks"

    def block(self, place: str) -> None:
        if self.config.where == place:
            time.sleep(30)

    async def open(self) -> None:
        self.block("open")

    async def partitions(self) -> Any:
        self.block("partitions")
        return [{}]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, 301):
            yield numbered(n)
        await asyncio.sleep(0.2)
        self.block("read")
        if self.config.where == "callback":
            asyncio.get_running_loop().call_soon(self.block, "callback")
            await asyncio.sleep(3600)
        if self.config.where == "merge":
            async with merge(self.input()) as items:
                async for item in items:
                    yield item
        yield Record({"n": -1}, offset={"n": 301})

    async def input(self) -> AsyncIterator[Record]:
        self.block("merge")
        yield numbered(400)


class FailsToClose(Source[Options]):
    """Ends, by itself or by an error, and takes its time to close."""

    name = "fails-to-close"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        if offset is None:
            yield numbered(1)
        if self.config.how == "fails":
            raise ValueError("planned")

    async def close(self) -> None:
        Path(os.environ["HOSTILE_MARK"]).touch()
        await asyncio.sleep(0.9)


class SleepyOptions(Config):
    at: int = Field(200, description="The number that blocks.")
    raises: str = Field("", description="What it raises there instead of blocking.")


class Sleepy(Transform[SleepyOptions]):
    """Blocks, or raises, on one number."""

    name = "sleepy"

    def apply(self, record: Record) -> Record:
        if record.value["n"] == self.config.at:
            if self.config.raises:
                raise KINDS[self.config.raises]()  # noqa: RSE102 - makes one
            time.sleep(30)
        return record


class InPlace(Transform[Config]):
    """Changes the record that it was given, as it may."""

    name = "in-place"

    def apply(self, record: Record) -> Record:
        record.value["n"] += 1000
        return record


@hookimpl
def pyconnect_sources() -> list[type[Source[Any]]]:
    return [
        Counts, PlainCounts, Raises, PlainRaises, Gives, PlainGives, Returns, ReadsAll, Scopes, Odd,
        Hangs, PlainHangs, Blocks, FailsToClose,
    ]  # fmt: skip


@hookimpl
def pyconnect_transforms() -> list[type[Transform[Any]]]:
    return [Sleepy, InPlace]
