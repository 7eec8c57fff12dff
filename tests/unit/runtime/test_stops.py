"""A stop, a pause or a failed commit that comes while a source is at something."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from connectors_core import Config, Record, Retry, Source
from connectors_core.api.errors import StoreError
from connectors_core.runtime.chain import Step
from connectors_core.runtime.task import Run
from connectors_core.stores.memory import MemorySlot
from tests.unit.runtime.conftest import Gate
from tests.unit.runtime.test_ends import KINDS, Counting
from tests.unit.runtime.test_plane import Ticks
from tests.unit.runtime.test_store_faults import before_commits


class Plain(Source[Config]):
    """1..5 from a thread, then nothing until it is closed."""

    name = "plain"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        for n in range(offset["n"] + 1 if offset else 1, 6):
            yield Record(n, offset={"n": n})


@pytest.mark.parametrize("plain", [False, True])
async def test_a_source_that_does_not_open_is_stopped_and_closed(lab: Any, plain: bool) -> None:
    opening, release, closed = threading.Event(), threading.Event(), list[bool]()

    class Hangs(Counting):
        async def open(self) -> None:
            opening.set()
            await asyncio.Event().wait()

        async def close(self) -> None:
            closed.append(True)

    class HangsPlain(Hangs):
        def open(self) -> None:  # type: ignore[override]
            opening.set()
            assert release.wait(60)

    await lab.start(lab.spec(HangsPlain if plain else Hangs), lab.spec(Ticks, "t"))
    await lab.until(opening.is_set)
    await lab.herder.stop()
    release.set()
    assert (lab.herder.statuses()[0].state, closed) == ("STOPPED", [True])


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_pause_while_a_source_opens_is_heeded(lab: Any, cancels: bool) -> None:
    """And forgotten: a cancellation of the source's own is not taken for the next one."""
    opened = [0]

    class Slow(Counting):
        async def open(self) -> None:
            opened[0] += 1
            if opened[0] == 1:
                await asyncio.Event().wait()
            if cancels:
                raise asyncio.CancelledError

    await lab.start(lab.spec(Slow))
    await lab.until(lambda: opened == [1])
    await lab.herder.command("pause", "c")
    await lab.until(lambda: lab.herder.statuses()[0].state == "PAUSED")
    await lab.herder.command("resume", "c")
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    failure = lab.herder.statuses()[0].failure
    assert opened == [2]
    assert (failure and failure.code) == ("source.cancelled" if cancels else None)
    assert lab.values() == ([] if cancels else [1, 2, 3, 4, 5])


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("plain", [False, True])
async def test_a_generator_may_go_away_badly(
    lab: Any, make: Callable[[], BaseException], plain: bool
) -> None:
    """What it did before counts; how it went away does not."""

    class Bad(Source[Config]):
        name = "bad"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            try:
                yield Record(
                    (offset or {"n": 0})["n"] + 1, offset={"n": (offset or {"n": 0})["n"] + 1}
                )
                await asyncio.Event().wait()
            finally:
                raise make()

    class BadPlain(Bad):
        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            n = (offset or {"n": 0})["n"]
            try:
                while True:
                    n += 1
                    yield Record(n, offset={"n": n})
                    time.sleep(0.002)
            finally:
                raise make()

    await lab.start(lab.spec(BadPlain if plain else Bad))
    await lab.until(lambda: lab.values())
    await lab.herder.command("pause", "c")
    await lab.until(lambda: lab.herder.statuses()[0].state == "PAUSED")
    count = len(lab.values())
    await lab.herder.command("resume", "c")
    await lab.until(lambda: len(lab.values()) > count)
    await lab.herder.stop()
    status = lab.herder.statuses()[0]
    assert (status.state, status.failure, status.errors) == ("STOPPED", None, 0)
    assert lab.values() == list(range(1, len(lab.values()) + 1))


@pytest.mark.parametrize("make", [lambda: BaseException("base"), lambda: SystemExit(3)])
async def test_what_fails_a_task_is_told_though_its_generator_goes_away_badly(
    lab: Any, make: Callable[[], BaseException]
) -> None:
    class Bad(Source[Config]):
        name = "bad"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            try:
                yield Record(1, offset={"n": 1})
                yield "text"
            finally:
                raise make()

    status = await lab.run(lab.spec(Bad))
    assert (status.failure.code, status.tasks[0].state) == ("source.item", "FAILED")
    assert lab.values() == [1]


async def test_what_a_generator_gives_after_it_is_cancelled_is_not_taken(lab: Any) -> None:
    closed, pulled = list[bool](), [0]

    class Stubborn(Source[Config]):
        name = "stubborn"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            try:
                yield Record(1, offset={"n": 1})
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    for n in range(2, 100):
                        pulled[0] += 1
                        yield Record(n, offset={"n": n})
            finally:
                closed.append(True)

    await lab.start(lab.spec(Stubborn))
    await lab.until(lambda: lab.values() == [1])
    await lab.herder.stop()
    assert (lab.values(), pulled, closed) == ([1], [1], [True])


async def test_a_thread_amid_an_item_keeps_no_neighbours_commit(lab: Any, gate: Gate) -> None:
    """They share the slot; what the thread has closed before is committed when it is let go."""
    await lab.start(lab.spec(Plain, steps=[Step("gate", gate)]), lab.spec(Ticks, "t"))
    await lab.until(gate.reached.is_set)
    count = len(lab.values("t"))
    await lab.until(lambda: len(lab.values("t")) > count + 20)
    gate.opened.set()
    await lab.until(lambda: lab.values() == [1, 2, 3, 4, 5])
    await lab.herder.stop()


async def test_a_thread_amid_an_item_keeps_no_pause(lab: Any, gate: Gate) -> None:
    await lab.start(lab.spec(Plain, steps=[Step("gate", gate)], commit_linger_ms=60_000))
    await lab.until(gate.reached.is_set)
    await lab.herder.command("pause", "c")
    await lab.until(lambda: lab.herder.statuses()[0].state == "PAUSED")
    gate.opened.set()
    await lab.herder.command("resume", "c")
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert lab.values() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("infers", [False, True])
async def test_what_a_thread_was_at_when_a_commit_failed_is_read_again(
    lab: Any, gate: Gate, infers: bool
) -> None:
    """Nothing of the run may be stored over the hole that the lost commit left."""
    lab.converter.infers, begun = infers, threading.Event()

    def once() -> None:
        if not begun.is_set():
            begun.set()
            assert gate.reached.wait(60)
            raise StoreError("broken", code="store.io")

    class Mixed(Plain):
        """Its first value is a number, which waits for no schema."""

        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            for n in range(offset["n"] + 1 if offset else 1, 6):
                assert n == 1 or begun.wait(60)
                yield Record({"n": n} if infers and n > 1 else n, offset={"n": n})

    before_commits(lab, once)
    await lab.start(lab.spec(Mixed, steps=[Step("gate", gate)], restart_max=0))
    await lab.until(lambda: lab.herder.statuses()[0].state == "FAILED")
    gate.opened.set()
    await lab.until(lambda: "pyconnect-source" not in {each.name for each in threading.enumerate()})
    assert lab.values() == []
    await lab.herder.command("restart", "c")
    await lab.until(lambda: lab.herder.ended() and lab.values())
    await lab.herder.stop()
    assert [value["n"] if isinstance(value, dict) else value for value in lab.values()] == [
        1, 2, 3, 4, 5,
    ]  # fmt: skip


async def test_a_task_that_can_not_hear_of_its_commit_fails_alone(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = Run.committed

    def deaf(self: Run, parcel: Any, offsets: Any) -> None:
        if self.connector == "c":
            raise RuntimeError("a fault of our own")
        committed(self, parcel, offsets)

    monkeypatch.setattr(Run, "committed", deaf)
    status = await lab.run(lab.spec(Counting, restart_max=0), lab.spec(Counting, "d"))
    assert status.state == "FAILED"
    assert "a fault of our own" in status.failure.text
    assert lab.values("d") == [1, 2, 3, 4, 5]


async def test_a_unit_of_another_partition_that_is_open_when_max_records_are_there_is_not_stored(
    lab: Any,
) -> None:
    opened = asyncio.Event()

    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": "a"}, {"p": "b"}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            if partition["p"] == "b":
                yield Record("open")
                opened.set()
                await asyncio.Event().wait()
            await opened.wait()
            for n in range(1, 100):
                yield Record(n, offset={"n": n})

    await lab.start(lab.spec(Two), max_records=5)
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert lab.values() == [1, 2, 3, 4, 5]
    assert (lab.herder.statuses()[0].state, lab.herder.spent.is_set()) == ("STOPPED", True)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_pause_that_comes_amid_an_end_is_void(lab: Any, fails: bool) -> None:
    """What has ended by itself does not read again when it is resumed."""
    closing, closed, reads = threading.Event(), threading.Event(), [0]

    class Ends(Counting):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            reads[0] += 1
            async for record in super().read(partition, offset):
                yield record
            if fails:
                raise ValueError("bad")

        async def close(self) -> None:
            closing.set()
            while not closed.is_set():
                await asyncio.sleep(0.001)

    await lab.start(lab.spec(Ends, restart_max=0))
    await lab.until(closing.is_set)
    await lab.herder.command("pause", "c")
    closed.set()
    await lab.until(lambda: lab.herder.statuses()[0].state == ("FAILED" if fails else "COMPLETED"))
    await lab.herder.command("resume", "c")
    await asyncio.sleep(0.05)
    assert (reads, lab.herder.ended()) == ([1], True)
    await lab.herder.command("restart", "c")
    await lab.until(lambda: reads == [2] and lab.herder.ended())
    await lab.herder.stop()


async def test_a_restart_amid_retries_leaves_no_generator_behind(lab: Any) -> None:
    """Each is closed before the next is made, whatever its pump was at."""
    alive, most = [0], [0]

    class Retries(Source[Config]):
        name = "retries"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            try:
                n = offset["n"] + 1 if offset else 1
                yield Record(n, offset={"n": n})
                raise Retry(after=0)
            finally:
                alive[0] -= 1

    await lab.start(lab.spec(Retries))
    for count in range(1, 6):
        await lab.until(lambda count=count: len(lab.values()) > count)
        await lab.herder.command("restart", "c")
    await lab.herder.stop()
    assert (alive, most) == ([0], [1])
    assert lab.values() == list(range(1, len(lab.values()) + 1))


async def test_a_last_commit_that_fails_does_not_keep_a_stop(
    lab: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What it had is read again at the next start."""
    commits, pulled = [0], threading.Event()

    def all_but_one() -> None:
        commits[0] += 1
        if commits[0] == 2:
            raise StoreError("broken", code="store.io")

    class Waits(Source[Config]):
        name = "waits"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(1, offset={"n": 1})
            while not lab.values():
                await asyncio.sleep(0.001)
            yield Record(2, offset={"n": 2})
            pulled.set()
            await asyncio.Event().wait()

    before_commits(lab, all_but_one)
    await lab.start(lab.spec(Waits, commit_linger_ms=60_000))
    await lab.until(pulled.is_set)
    await lab.herder.stop()
    assert "last commit failed" in caplog.text
    assert (lab.herder.statuses()[0].state, lab.values()) == ("STOPPED", [1])
    await lab.run(lab.spec(Counting))
    assert lab.values() == [1, 2, 3, 4, 5]


async def test_a_pause_before_a_source_opens_opens_none(lab: Any) -> None:
    asked, gate, opened = threading.Event(), threading.Event(), [0]
    offsets = MemorySlot.offsets

    def slowly(self: MemorySlot, connector: str) -> dict[str, str]:
        asked.set()
        assert gate.wait(60)
        return offsets(self, connector)

    class Opens(Counting):
        async def open(self) -> None:
            opened[0] += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemorySlot, "offsets", slowly)
        await lab.start(lab.spec(Opens))
        await lab.until(asked.is_set)
        await lab.herder.command("pause", "c")
        gate.set()
        await lab.until(lambda: lab.herder.statuses()[0].state == "PAUSED")
    assert opened == [0]
    await lab.herder.command("resume", "c")
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert (opened, lab.values()) == ([1], [1, 2, 3, 4, 5])


@pytest.mark.parametrize("plain", [True, False])
async def test_what_comes_from_who_was_left_behind_is_not_taken(  # noqa: C901 - two generators
    lab: Any, plain: bool
) -> None:
    """`committed` raises Retry while a read does not let go, and the next one reads beside it."""
    stuck, release, gone = threading.Event(), threading.Event(), threading.Event()
    failed = threading.Event()

    class Left(Source[Config]):
        name = "left"

        async def committed(self, partition: Any, offset: Any) -> None:
            if offset["n"] >= 3 and not failed.is_set():
                while not stuck.is_set():
                    await asyncio.sleep(0.001)
                failed.set()
                raise Retry("it can't be told just now", after=0.01)

    class Blocking(Left):
        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            first = not stuck.is_set()
            for n in range(offset["n"] + 1 if offset else 0, 9):
                if n == 5 and first:
                    stuck.set()
                    release.wait(60)
                try:
                    yield Record(n, offset={"n": n})
                except GeneratorExit:
                    gone.set()
                    raise
            gone.wait(60)

    class Swallowing(Left):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            first = not stuck.is_set()
            for n in range(offset["n"] + 1 if offset else 0, 9):
                if n == 5 and first:
                    stuck.set()
                    await outlast(release)
                try:
                    yield Record(n, offset={"n": n})
                except GeneratorExit:
                    gone.set()
                    raise
            while not gone.is_set():
                await asyncio.sleep(0.001)

    herder = await lab.start(lab.spec(Blocking if plain else Swallowing))
    try:
        await lab.until(lambda: lab.values()[-1:] == [8])
        release.set()
        await lab.until(herder.ended)
    finally:
        release.set()
        await herder.stop()
    assert lab.values() == list(range(9))
    assert lab.offsets() == {"{}": {"n": 8}}


async def outlast(event: threading.Event) -> None:
    """Wait for an event, whoever cancels."""
    while not event.is_set():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001)
