"""What `partitions()` may give, when it is asked, and what becomes of who asks in vain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors_core import Config, ConfigError, Record, Source
from connectors_core.api.record import Partition
from connectors_core.herder import ask
from connectors_core.herder.model import Summary
from tests.unit.runtime.test_ends import Counting
from tests.unit.runtime.test_plane import Ticks


def giving(given: Any) -> type[Counting]:
    return type("Gives", (Counting,), {"partitions": lambda self: given})


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        [5],
        ["p"],
        [{"p": []}],
        [{1: 2}],
        [{"p": 1}, {"p": 1}],
        [{}, {}],
        [{"p": "x" * 2000}],
    ],
)
async def test_what_are_no_partitions_is_refused_by_name(lab: Any, given: Any) -> None:
    status = await lab.run(lab.spec(giving(given)), lab.spec(Counting, "good"))
    assert (status.state, status.failure.group, status.tasks) == ("FAILED", "source", [])
    assert "partition" in status.failure.text
    assert lab.values("good") == [1, 2, 3, 4, 5]


async def test_none_yet_is_asked_for_again(lab: Any) -> None:
    asked = [0]

    class Later(Counting):
        async def partitions(self) -> Any:
            asked[0] += 1
            return [{}] if asked[0] > 2 else []

    await lab.start(lab.spec(Later, partitions_refresh_ms=100))
    assert lab.herder.statuses()[0].state == "RUNNING"
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert (lab.herder.statuses()[0].state, lab.values()) == ("COMPLETED", [1, 2, 3, 4, 5])


async def test_a_later_question_that_fails_leaves_the_tasks_alone(lab: Any) -> None:
    asked = [0]

    class Fails(Ticks):
        async def partitions(self) -> Any:
            asked[0] += 1
            if asked[0] == 2:
                raise OSError("away")
            return [{"p": p} for p in range(min(asked[0], 2))]

    await lab.start(lab.spec(Fails, partitions_refresh_ms=100, tasks_max=2))
    await lab.until(lambda: len(lab.herder.statuses()[0].tasks) == 2)
    await lab.until(lambda: '{"p":1}' in lab.offsets())
    await lab.herder.stop()
    status = lab.herder.statuses()[0]
    assert (status.errors, status.restarts, status.failure) == (1, 0, None)


async def test_a_start_that_fails_is_tried_again(lab: Any) -> None:
    asked = [0]

    class Fails(Counting):
        async def partitions(self) -> Any:
            asked[0] += 1
            if asked[0] < 3:
                raise OSError("away")
            return [{}]

    status = await lab.run(lab.spec(Fails))
    assert (status.state, status.errors, lab.values()) == ("COMPLETED", 2, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("restart_max", [0, -1])
async def test_a_stop_ends_who_waits_to_try_again(lab: Any, restart_max: int) -> None:
    class Fails(Counting):
        async def partitions(self) -> Any:
            raise OSError("away")

    spec = lab.spec(Fails, restart_max=restart_max, **{"restart.delay.ms": 60_000})
    await lab.start(spec)
    state = "FAILED" if restart_max == 0 else "RESTARTING"
    await lab.until(lambda: lab.herder.statuses()[0].state == state)
    async with asyncio.timeout(30):
        await lab.herder.stop()
    assert lab.herder.statuses()[0].state == ("FAILED" if restart_max == 0 else "STOPPED")


@pytest.mark.parametrize("plain", [False, True])
async def test_a_stop_does_not_wait_for_partitions(lab: Any, plain: bool) -> None:
    asking, release = threading.Event(), threading.Event()

    class Asks(Counting):
        async def partitions(self) -> Any:
            asking.set()
            await asyncio.Event().wait()

    class AsksPlain(Counting):
        def partitions(self) -> Any:
            asking.set()
            assert release.wait(60)
            return [{}]

    await lab.start(lab.spec(AsksPlain if plain else Asks), lab.spec(Ticks, "t"))
    await lab.until(asking.is_set)
    await lab.until(lab.herder.running)
    assert not lab.herder.ended()
    await lab.herder.stop()
    release.set()
    assert (lab.herder.statuses()[0].state, lab.values()) == ("STOPPED", [])


async def test_who_is_stopped_while_its_slot_is_acquired_does_not_ask(lab: Any) -> None:
    acquiring, gate, acquire, asked = threading.Event(), threading.Event(), lab.store.acquire, [0]

    class Asks(Counting):
        async def partitions(self) -> Any:
            asked[0] += 1
            await asyncio.Event().wait()

    def slowly(name: str) -> Any:
        acquiring.set()
        assert gate.wait(60)
        return acquire(name)

    lab.store.acquire = slowly
    await lab.start(lab.spec(Asks))
    await lab.until(acquiring.is_set)
    stopping = asyncio.create_task(lab.herder.stop())
    await lab.until(lambda: lab.herder._connectors["c"]._stopping)
    gate.set()
    await stopping
    assert (asked, lab.herder.statuses()[0].state) == ([0], "STOPPED")


async def test_a_connector_whose_partitions_all_change_has_not_ended_meanwhile(lab: Any) -> None:
    """Or the worker would end, with exit code 0, whenever one day's partition gives way to the next."""
    asked, closing, closed = [0], threading.Event(), threading.Event()

    class Daily(Source[Config]):
        name = "daily"

        async def partitions(self) -> Any:
            asked[0] += 1
            return [{"day": min(asked[0], 2)}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(partition["day"], offset={"n": 1})
            if partition["day"] == 2:
                return
            try:
                await asyncio.Event().wait()
            finally:
                closing.set()
                while not closed.is_set():
                    await asyncio.sleep(0.001)

    await lab.start(lab.spec(Daily, partitions_refresh_ms=100))
    await lab.until(closing.is_set)
    between = lab.herder.ended(), lab.herder.statuses()[0].state
    closed.set()
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert between == (False, "RUNNING")
    assert (lab.values(), lab.herder.statuses()[0].state) == ([1, 2], "COMPLETED")


async def test_a_stop_while_partitions_change_their_task_starts_none(lab: Any) -> None:
    """The old owner takes its time to close, and the new ones have not begun."""
    asked, closing, closed, reads = [0], threading.Event(), threading.Event(), set[str]()

    class Changes(Source[Config]):
        name = "changes"

        async def partitions(self) -> Any:
            asked[0] += 1
            return [{"p": p} for p in ("a" if asked[0] == 1 else "bc")]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            reads.add(partition["p"])
            try:
                yield Record(1, offset={"n": 1})
                await asyncio.Event().wait()
            finally:
                closing.set()
                while not closed.is_set():
                    await asyncio.sleep(0.001)

    await lab.start(lab.spec(Changes, partitions_refresh_ms=100, tasks_max=2))
    await lab.until(closing.is_set)
    stopping = asyncio.create_task(lab.herder.stop())
    await lab.until(lambda: lab.herder._connectors["c"]._stopping)
    closed.set()
    await stopping
    assert (reads, lab.herder.statuses()[0].state) == ({"a"}, "STOPPED")


async def test_a_command_for_nobody_names_who_is_there(lab: Any) -> None:
    await lab.start(lab.spec(Ticks), lab.spec(Ticks, "d"))
    with pytest.raises(ConfigError, match="no connector 'x' runs here; there are: c, d"):
        await lab.herder.command("pause", "x")
    await lab.herder.stop()


async def test_the_summary_adds_up_all_connectors(lab: Any) -> None:
    await lab.run(lab.spec(Counting), lab.spec(Counting, "d"), lab.spec(giving(5), "e"))
    found: Summary = lab.herder.summary()
    assert (found.records, found.bytes) == (10, 10)
    assert [status.name for status in found.connectors] == ["c", "d", "e"]
    assert found.seconds > 0


async def test_a_supervisor_that_fails_says_so(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own: the connector is FAILED, and not RUNNING with nobody at work."""

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr("connectors_core.herder.task.Task._move", broken)
    await lab.start(lab.spec(Counting))
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    status = lab.herder.statuses()[0]
    assert (status.state, status.failure.text) == ("FAILED", "RuntimeError: a fault of our own")


async def test_a_task_that_retries_goes_on_with_other_partitions_at_once(lab: Any) -> None:
    """And keeps what it has done."""
    asked = [0]

    class Grows(Source[Config]):
        name = "grows"

        async def partitions(self) -> Any:
            asked[0] += 1
            return [{"p": p} for p in range(min(asked[0], 2))]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(partition["p"], offset={"n": (offset or {"n": 0})["n"] + 1})
            if asked[0] == 1:
                raise OSError("away")
            await asyncio.Event().wait()

    spec = lab.spec(
        Grows,
        partitions_refresh_ms=300,
        **{"restart.delay.ms": 60_000, "restart.delay.max.ms": 60_000},
    )
    await lab.start(spec)
    await lab.until(lambda: lab.herder.statuses()[0].state == "RESTARTING")
    await lab.until(lambda: 1 in lab.values())
    await lab.herder.stop()
    assert sorted(lab.values()) == [0, 0, 1]


async def test_a_question_that_takes_too_long_is_told_by_name(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Counting):
        async def partitions(self) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr(ask, "ASK_SECONDS", 0.01)
    status = await lab.run(lab.spec(Hanging, restart_max=0))
    assert status.state == "FAILED"
    assert "partitions() was not done in 0 s" in status.failure.text


async def test_a_timeout_of_the_sources_own_is_told_as_its_own(lab: Any) -> None:
    class Hurrying(Counting):
        async def partitions(self) -> Any:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()

    status = await lab.run(lab.spec(Hurrying, restart_max=0))
    assert "TimeoutError" in status.failure.text
    assert "30 s" not in status.failure.text


async def test_many_partitions_are_spread_again_without_comparing_each_with_each(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, compared, count = [0], [0], 300
    equal = Partition.__eq__

    class Many(Counting):
        async def partitions(self) -> Any:
            asked[0] += 1
            return [{"n": number} for number in range(count)]

        async def read(self, partition: Any, offset: Any) -> Any:
            await asyncio.Event().wait()
            yield

    def counted(self: Partition, other: object) -> bool:
        compared[0] += 1
        return equal(self, other)

    monkeypatch.setattr(Partition, "__eq__", counted)
    herder = await lab.start(lab.spec(Many, partitions_refresh_ms=100))
    try:
        await lab.until(lambda: asked[0] == 2)
        before = compared[0]
        await lab.until(lambda: asked[0] == 4)
    finally:
        await herder.stop()
    assert compared[0] - before < 20 * count
