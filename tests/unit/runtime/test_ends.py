"""How a generator may end, and what becomes of its task and of its neighbours."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest

from connectors_core import Batch, Config, OffsetError, Record, Retry, Source


class Counting(Source[Config]):
    """Gives 1..5 of a partition; `trouble` may raise before a number is given."""

    name = "counting"
    trouble: ClassVar[Callable[[int], None]] = staticmethod(lambda n: None)

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, 6):
            type(self).trouble(n)
            yield Record(n, offset={"n": n})


def failing_at(number: int, make: Callable[[], BaseException], times: int = 1) -> type[Source[Any]]:
    left = [times]

    def trouble(n: int) -> None:
        if n == number and left[0]:
            left[0] -= 1
            raise make()

    return type("Failing", (Counting,), {"trouble": staticmethod(trouble)})


async def test_retry_reads_again_from_what_is_committed(lab: Any) -> None:
    status = await lab.run(lab.spec(failing_at(3, lambda: Retry("later", after=0.01), 2)))
    assert status.state == "COMPLETED"
    assert lab.values() == [1, 2, 3, 4, 5]
    assert status.restarts == 0


async def test_retry_throws_the_open_unit_away(lab: Any) -> None:
    seen: list[Any] = []

    class Opens(Source[Config]):
        name = "opens"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            seen.append(offset)
            yield Record("a", offset={"n": len(seen)})
            yield Record("open")
            if len(seen) == 1:
                raise Retry(after=0.01)
            yield Record("b", offset={"n": 9})

    await lab.run(lab.spec(Opens))
    assert lab.values() == ["a", "a", "open", "b"]
    assert seen == [None, {"n": 1}]


async def test_retry_of_one_partition_leaves_the_others_alone(lab: Any) -> None:
    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": "bad"}, {"p": "good"}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            if partition["p"] == "bad":
                raise Retry(after=1000)
            for n in range(1, 4):
                yield Record(n, offset={"n": n})
            await asyncio.Event().wait()

    herder = await lab.start(lab.spec(Two))
    await lab.until(lambda: lab.values() == [1, 2, 3])
    assert herder.statuses()[0].state == "RUNNING"
    await herder.stop()


KINDS: list[Callable[[], BaseException]] = [
    lambda: ValueError("bad"),
    lambda: OSError("net"),
    lambda: MemoryError(),
    lambda: RecursionError(),
    lambda: SystemExit(3),
    lambda: KeyboardInterrupt(),
    lambda: asyncio.CancelledError(),
    lambda: GeneratorExit(),
    lambda: StopAsyncIteration(),
    lambda: BaseException("base"),
    lambda: ExceptionGroup("group", [ValueError("a")]),
    lambda: Unprintable(),
]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("where", ["open", "partitions", "read", "committed", "close"])
async def test_any_exception_anywhere_fails_one_task_and_no_neighbour(  # noqa: C901
    lab: Any, make: Callable[[], BaseException], where: str
) -> None:
    class Bad(Counting):
        async def open(self) -> None:
            if where == "open":
                raise make()

        async def partitions(self) -> Any:
            if where == "partitions":
                raise make()
            return [{}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            async for record in super().read(partition, offset):
                if where == "read" and record.value == 3:
                    raise make()
                yield record

        async def committed(self, partition: Any, offset: Any) -> None:
            if where == "committed":
                raise make()

        async def close(self) -> None:
            if where == "close":
                raise make()

    status = await lab.run(
        lab.spec(Bad, "bad", restart_max=1), lab.spec(Counting, "good", topic="good")
    )
    assert lab.values("good") == [1, 2, 3, 4, 5]
    if where == "close":
        assert status.state == "COMPLETED"
        return
    assert status.state == "FAILED"
    assert status.failure.text
    expected = {"open": [], "partitions": [], "read": [1, 2]}
    if where in expected:
        assert lab.values("bad") == expected[where]
    else:
        assert lab.values("bad") == [1, 2, 3, 4, 5][: len(lab.values("bad"))]


@pytest.mark.parametrize("make", KINDS)
async def test_any_exception_of_a_plain_generator_fails_one_task(
    lab: Any, make: Callable[[], BaseException]
) -> None:
    class Bad(Source[Config]):
        name = "bad"

        def read(self, partition: Any, offset: Any) -> Iterator[Any]:
            yield Record(1, offset={"n": (offset["n"] if offset else 0) + 1})
            raise make()

    status = await lab.run(lab.spec(Bad, restart_max=0))
    assert status.state == "FAILED"
    assert lab.values() == [1]


async def test_restarts_go_on_from_the_committed_offset_until_the_circuit_opens(lab: Any) -> None:
    status = await lab.run(lab.spec(failing_at(3, lambda: OSError("net"), 2)))
    assert (status.state, status.restarts, lab.values()) == ("COMPLETED", 2, [1, 2, 3, 4, 5])
    status = await lab.run(lab.spec(failing_at(1, lambda: OSError("net"), 99), "d", restart_max=3))
    assert (status.state, status.restarts, status.failure.group) == ("FAILED", 3, "network")


async def test_an_offset_error_fails_by_default_and_names_the_cure(lab: Any) -> None:
    await lab.run(lab.spec(Counting))
    status = await lab.run(lab.spec(_Pruned))
    assert status.state == "FAILED"
    assert "offset.reset: restart" in status.failure.text


async def test_an_offset_error_may_restart_from_the_start_without_offset_or_state(lab: Any) -> None:
    class Keeps(Source[Config]):
        name = "keeps"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            yield Batch(offset={"n": 5}, state={f"k{n}": n for n in range(1500)})

    await lab.run(lab.spec(Keeps))
    await lab.run(lab.spec(_Pruned, offset_reset="restart"))
    assert lab.values() == [0, 1]


class _Pruned(Source[Config]):
    name = "pruned"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        if offset is not None:
            raise OffsetError("the upstream has pruned it.")
        yield Record(len(self.context.state(partition).scan()), offset={"n": 1})
        yield Record(1, offset={"n": 2})


async def test_a_yield_inside_a_timeout_is_named_with_its_line(lab: Any) -> None:
    class Scoped(Source[Config]):
        name = "scoped"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            async with asyncio.timeout(0.05):
                for n in range(1, 1_000_000):
                    yield Record("x" * 1000, offset={"n": n})

    status = await lab.run(lab.spec(Scoped, commit_linger_ms=200, read_ahead_bytes=4096))
    assert status.failure.code == "source.yield-in-scope"
    assert "test_ends.py:" in status.failure.text
    assert len(lab.values()) == lab.offsets()["{}"]["n"]


async def test_a_yield_inside_a_task_group_is_named(lab: Any) -> None:
    class Grouped(Source[Config]):
        name = "grouped"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            async def soon() -> None:
                await asyncio.sleep(0.05)
                raise ValueError("child")

            async with asyncio.TaskGroup() as group:
                group.create_task(soon())
                for n in range(1, 1_000_000):
                    yield Record("x" * 1000, offset={"n": n})

    status = await lab.run(lab.spec(Grouped, commit_linger_ms=200, read_ahead_bytes=4096))
    assert status.failure.code == "source.yield-in-scope"


async def test_committed_is_told_in_order_once_before_reading_and_never_after_close(
    lab: Any,
) -> None:
    events: list[Any] = []

    class Acks(Source[Config]):
        name = "acks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            events.append("read")
            try:
                for n in range(offset["n"] + 1 if offset else 1, 4):
                    yield Record(n, offset={"n": n})
                    await asyncio.sleep(0.02)
                await asyncio.Event().wait()
            finally:
                events.append("closed")

        async def committed(self, partition: Any, offset: Any) -> None:
            events.append(offset["n"])

    for times in (1, 2):
        herder = await lab.start(lab.spec(Acks))
        await lab.until(lambda times=times: events.count("read") == times and 3 in events)
        await herder.stop()
    assert events.count("closed") == 2
    first_close = events.index("closed")
    assert [each for each in events[:first_close] if each != "read"] == sorted(
        {each for each in events[:first_close] if each != "read"}
    )
    assert events[first_close + 1 :] == [3, "read", "closed"]


async def test_nothing_is_told_before_it_is_durable(lab: Any) -> None:
    broken: list[Any] = []

    class Acks(Counting):
        async def committed(self, partition: Any, offset: Any) -> None:
            if lab.offsets()["{}"]["n"] < offset["n"]:
                broken.append(offset)

    await lab.run(lab.spec(Acks))
    assert broken == []


@pytest.mark.parametrize("plain", [False, True])
async def test_the_read_ahead_is_bounded_while_the_store_stalls(lab: Any, plain: bool) -> None:
    pulled = [0]
    gate = threading.Event()
    stored = lab.store.acquire

    def acquire(name: str) -> Any:
        slot = stored(name)
        commit = slot.commit

        def slow(transaction: Any) -> None:
            gate.wait()
            commit(transaction)

        slot.commit = slow
        return slot

    lab.store.acquire = acquire

    class Fast(Source[Config]):
        name = "fast"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            for n in range(1, 1001):
                pulled[0] = n
                yield Record("x" * 900, offset={"n": n})

    class FastPlain(Source[Config]):
        name = "fast"

        def read(self, partition: Any, offset: Any) -> Iterator[Any]:
            for n in range(1, 1001):
                pulled[0] = n
                yield Record("x" * 900, offset={"n": n})

    herder = await lab.start(lab.spec(FastPlain if plain else Fast, read_ahead_bytes=50_000))
    await lab.until(lambda: pulled[0] >= 49)
    await asyncio.sleep(0.2)
    assert pulled[0] <= 52
    gate.set()
    await lab.until(herder.ended)
    await herder.stop()
    assert len(lab.values()) == 1000


async def test_a_source_that_blocks_the_loop_fails_alone(lab: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 0.7)
    release = threading.Event()

    class Blocks(Source[Config]):
        name = "blocks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            yield Record(1, offset={"n": 1})
            await asyncio.sleep(0.05)
            release.wait()
            yield Record(2, offset={"n": 2})

    class Ticks(Source[Config]):
        name = "ticks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            for n in range(offset["n"] + 1 if offset else 1, 10_000):
                yield Record(n, offset={"n": n})
                await asyncio.sleep(0.005)

    herder = await lab.start(lab.spec(Blocks, "b"), lab.spec(Ticks, "t"))
    await lab.until(lambda: herder.statuses()[0].state == "FAILED")
    count = len(lab.values("t"))
    await lab.until(lambda: len(lab.values("t")) > count + 20)
    failed = herder.statuses()[0].failure
    assert failed.code == "source.blocks-the-loop"
    assert "release.wait()" in failed.text
    release.set()
    await asyncio.sleep(0.2)
    await herder.stop()
    assert lab.values("b") == [1]
    assert lab.values("t") == list(range(1, len(lab.values("t")) + 1))


async def test_pause_closes_and_resume_goes_on(lab: Any) -> None:
    class Ticks(Source[Config]):
        name = "ticks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            for n in range(offset["n"] + 1 if offset else 1, 100_000):
                yield Record(n, offset={"n": n})
                await asyncio.sleep(0.001)

    herder = await lab.start(lab.spec(Ticks))
    await lab.until(lambda: len(lab.values()) > 5)
    await herder.command("pause", "c")
    await lab.until(lambda: herder.statuses()[0].state == "PAUSED")
    count = len(lab.values())
    await asyncio.sleep(0.05)
    assert len(lab.values()) == count
    await herder.command("resume", "c")
    await lab.until(lambda: len(lab.values()) > count + 5)
    await herder.command("restart", "c")
    await lab.until(lambda: len(lab.values()) > count + 50)
    await herder.stop()
    assert lab.values() == list(range(1, len(lab.values()) + 1))


async def test_a_failed_task_can_be_restarted_by_hand(lab: Any) -> None:
    herder = await lab.start(lab.spec(failing_at(3, lambda: OSError("x"), 2), restart_max=0))
    await lab.until(lambda: herder.statuses()[0].state == "FAILED")
    await herder.command("restart", "c")
    await lab.until(lambda: herder.statuses()[0].errors == 2)
    await herder.command("restart", "c")
    await lab.until(lambda: herder.statuses()[0].state == "COMPLETED")
    await herder.stop()
    assert lab.values() == [1, 2, 3, 4, 5]


@pytest.mark.slow
@pytest.mark.parametrize("hang", ["read", "plain", "close", "committed"])
async def test_stop_is_bounded_whatever_the_source_does(lab: Any, hang: str) -> None:
    block = threading.Event()

    class Hangs(Source[Config]):
        name = "hangs"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            yield Record(1, offset={"n": 1})
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    if hang != "read" or block.is_set():
                        raise

        async def committed(self, partition: Any, offset: Any) -> None:
            if hang == "committed":
                await asyncio.sleep(3600)

        async def close(self) -> None:
            if hang == "close":
                await asyncio.sleep(3600)

    class HangsPlain(Source[Config]):
        name = "hangs"

        def read(self, partition: Any, offset: Any) -> Iterator[Any]:
            yield Record(1, offset={"n": 1})
            block.wait()

    herder = await lab.start(lab.spec(HangsPlain if hang == "plain" else Hangs))
    await lab.until(lambda: lab.values() == [1])
    started = time.monotonic()
    block_later = threading.Timer(6, block.set)
    block_later.start()
    await herder.stop()
    assert time.monotonic() - started < 5.5
    block_later.cancel()
    block.set()
    await asyncio.sleep(0.1)
