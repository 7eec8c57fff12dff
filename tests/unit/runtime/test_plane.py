"""The loop that all connectors share: who tries to end it, who keeps it, how it is let go of."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors_core import Config, Record, Source
from connectors_core.api.errors import FencedError
from connectors_core.runtime.budget import Budget
from connectors_core.runtime.plane import Plane
from connectors_core.runtime.slot_thread import SlotThread
from tests.unit.runtime.conftest import NoSchemas
from tests.unit.runtime.test_ends import Counting
from tests.unit.runtime.test_store_faults import before_commits


class Ticks(Source[Config]):
    """Numbers without end."""

    name = "ticks"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, 1_000_000):
            yield Record(n, offset={"n": n})
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("make", [lambda: SystemExit(3), KeyboardInterrupt])
async def test_a_task_of_a_plugins_own_can_not_end_the_process(
    lab: Any, make: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    raised = asyncio.Event()

    class Ends(Source[Config]):
        name = "ends"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            async def ends() -> None:
                raised.set()
                raise make()

            yield Record(1, offset={"n": 1})
            self.kept = asyncio.create_task(ends())
            await raised.wait()
            yield Record(2, offset={"n": 2})
            assert isinstance(self.kept.exception(), type(make()))

    await lab.start(lab.spec(Ends), lab.spec(Ticks, "t"))
    await lab.until(lambda: lab.herder.statuses()[0].state == "COMPLETED")
    count = len(lab.values("t"))
    await lab.until(lambda: len(lab.values("t")) > count + 5)
    await lab.herder.stop()
    assert lab.values() == [1, 2]
    assert "a plugin's own task tried to end the process" in caplog.text


def read(release: threading.Event) -> Any:
    async def blocks(self: Any, partition: Any, offset: Any) -> AsyncIterator[Record]:
        yield Record(1, offset={"n": 1})
        await asyncio.sleep(0.05)
        release.wait()

    return blocks


def call_later(release: threading.Event) -> Any:
    async def blocks(self: Any, partition: Any, offset: Any) -> AsyncIterator[Record]:
        yield Record(1, offset={"n": 1})
        asyncio.get_running_loop().call_later(0.05, release.wait)
        await asyncio.Event().wait()

    return blocks


class Opens(Ticks):
    """Is still at its `open` when its loop is given up."""

    opened = 0

    async def open(self) -> None:
        type(self).opened += 1
        if self.opened == 1:
            await asyncio.Event().wait()


@pytest.mark.parametrize("place", [read, call_later])
async def test_who_blocks_the_loop_is_found_and_all_others_start_on_another(
    lab: Any, monkeypatch: pytest.MonkeyPatch, place: Callable[[threading.Event], Any]
) -> None:
    """A callback has no task to tell whose it is: the context that it runs in does."""
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 0.7)
    release, opens = threading.Event(), type("Opens", (Opens,), {})
    blocks = type("Blocks", (Counting,), {"read": place(release)})
    await lab.start(lab.spec(blocks, "b"), lab.spec(Ticks, "t"), lab.spec(opens, "o"))
    await lab.until(lambda: lab.herder.statuses()[0].state == "FAILED")
    failure = lab.herder.statuses()[0].failure
    assert failure.code == "source.blocks-the-loop"
    count = len(lab.values("t"))
    await lab.until(lambda: len(lab.values("t")) > count + 5 and len(lab.values("o")) > 5)
    release.set()
    await lab.herder.stop()
    assert opens.opened == 2
    assert lab.values("b") == [1]
    assert lab.values("t") == list(range(1, len(lab.values("t")) + 1))


async def test_what_stays_failed_and_paused_is_so_on_another_loop(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 0.7)
    blocks, release, asked = threading.Event(), threading.Event(), [0]

    class Fails(Counting):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            raise ValueError("bad")
            yield

    class Lost(Counting):
        async def partitions(self) -> Any:
            asked[0] += 1
            raise ValueError("no partitions")

    class Blocks(Counting):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            while not blocks.is_set():
                await asyncio.sleep(0.01)
            release.wait()
            yield Record(1, offset={"n": 1})

    specs = [lab.spec(Fails, "f", restart_max=0), lab.spec(Lost, "l", restart_max=0)]
    specs += [lab.spec(Ticks, "t"), lab.spec(Blocks, "b"), lab.spec(Lost, "m", restart_max=0)]
    await lab.start(*specs)
    failing = {"f", "l", "m"}
    await lab.until(
        lambda: all(
            each.state == "FAILED" for each in lab.herder.statuses() if each.name in failing
        )
    )
    await lab.until(lambda: lab.values("t"))
    await lab.herder.command("pause", "t")
    await lab.until(lambda: lab.herder.statuses()[2].state == "PAUSED")
    count, first = len(lab.values("t")), lab.herder._plane
    blocks.set()
    await lab.until(lambda: lab.herder._plane is not first)
    as_before = ["FAILED", "FAILED", "PAUSED", "FAILED", "FAILED"]
    await lab.until(lambda: [each.state for each in lab.herder.statuses()] == as_before)
    release.set()
    assert asked == [2]
    assert lab.herder.statuses()[1].failure.text == "ValueError: no partitions"
    await lab.herder.command("restart", "l")
    await lab.until(lambda: asked[0] == 3)
    await lab.herder.command("resume", "t")
    await lab.until(lambda: len(lab.values("t")) > count)
    await lab.herder.stop()
    assert lab.values("t") == list(range(1, len(lab.values("t")) + 1))


async def test_beyond_so_many_blocked_loops_the_last_is_waited_for(
    lab: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each that is given up leaves a thread behind."""
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 0.7)
    monkeypatch.setattr("connectors_core.herder.standalone.MAX_PLANES", 1)
    release = threading.Event()
    blocks = type("Blocks", (Counting,), {"read": read(release)})
    await lab.start(lab.spec(blocks), lab.spec(Ticks, "t"))
    await lab.until(lambda: "too many blocked loops" in caplog.text)
    count = len(lab.values("t"))
    await asyncio.sleep(1.0)  # it is said once
    release.set()
    await lab.until(lambda: len(lab.values("t")) > count + 5)
    await lab.herder.stop()
    assert caplog.text.count("too many blocked loops") == 1
    assert (lab.values(), lab.herder.statuses()[0].state) == ([1], "COMPLETED")


async def test_a_process_that_stood_still_blames_nobody(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a laptop's sleep: the watchdog itself was silent as long as the loop."""
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 1.0)
    still, going = threading.Event(), threading.Event()

    class Stands(Ticks):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            async for record in super().read(partition, offset):
                yield record
                if record.value == 5 and not going.is_set():
                    still.set()
                    going.wait()

    await lab.start(lab.spec(Stands))
    plane = lab.herder._plane
    while not still.is_set():
        await asyncio.sleep(0.005)
    time.sleep(2.5)  # the main loop stands still as well
    going.set()
    await lab.until(lambda: len(lab.values()) > 20)
    assert lab.herder._plane is plane
    await lab.herder.stop()


async def test_a_commit_that_never_ends_does_not_keep_a_stop(
    lab: Any, caplog: pytest.LogCaptureFixture
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def never() -> None:
        begun.set()
        assert gate.wait(60)

    before_commits(lab, never)
    await lab.start(lab.spec(Ticks))
    await lab.until(begun.is_set)
    async with asyncio.timeout(30):
        await lab.herder.stop()
    assert "data plane did not close in time" in caplog.text
    assert not gate.is_set()
    gate.set()
    await lab.until(lambda: lab.store._owners == {})


async def test_a_store_that_does_not_answer_does_not_keep_a_stop(
    lab: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("connectors_core.herder.standalone.STOP_SECONDS", 0.2)
    asked, gate, acquire = threading.Event(), threading.Event(), lab.store.acquire

    def slowly(name: str) -> Any:
        asked.set()
        assert gate.wait(60)
        return acquire(name)

    lab.store.acquire = slowly
    await lab.start(lab.spec(Counting))
    await lab.until(asked.is_set)
    async with asyncio.timeout(30):
        await lab.herder.stop()
    assert "some tasks did not stop in time" in caplog.text
    gate.set()
    assert lab.values() == []


def test_a_loop_that_does_not_get_to_run_blames_nobody(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is too busy: nothing of a plugin is on it."""
    plane = Plane(lab.store, NoSchemas(), Budget(None, lambda: None))
    plane._beat -= 60
    silence = plane.silence()
    plane._loop.close()
    assert (silence.seconds > 59, silence.owner, silence.stack) == (True, "", "")


async def test_what_one_gave_up_another_does_not_lose(lab: Any) -> None:
    """Two connectors share a slot; both are fenced, and one takes it back before the other."""
    lab.store.slot_name = lambda connector: "both"
    acquired: list[Any] = []
    acquire = lab.store.acquire

    def noted(name: str) -> Any:
        acquired.append(acquire(name))
        return acquired[-1]

    lab.store.acquire = noted
    await lab.start(lab.spec(Ticks), lab.spec(Ticks, "d"))
    await lab.until(lambda: lab.values() and lab.values("d"))
    acquire("both")
    await lab.until(lambda: {each.state for each in lab.herder.statuses()} == {"FAILED"})
    for name in ("c", "d"):
        count = len(lab.values(name))
        await lab.herder.command("restart", name)
        await lab.until(lambda name=name, count=count: len(lab.values(name)) > count + 5)
    assert {each.state for each in lab.herder.statuses()} == {"RUNNING"}
    await lab.herder.stop()
    assert len(acquired) == 2
    for name in ("c", "d"):
        assert lab.values(name) == list(range(1, len(lab.values(name)) + 1))


def test_a_slots_call_that_ends_after_its_loop_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    thread, begun, gate = SlotThread("c"), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert gate.wait(60)

    async def give_up() -> None:
        calling = asyncio.create_task(thread.call(slow))
        await asyncio.to_thread(begun.wait, 60)
        calling.cancel()
        await asyncio.wait([calling])

    asyncio.run(give_up())
    gate.set()
    thread.stop()
    thread._thread.join(60)
    assert "a slot's call ended after its loop" in caplog.text


async def test_a_slots_last_call_that_fails_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    thread = SlotThread("c")

    def fails() -> None:
        raise FencedError("gone")

    thread.post(fails)
    assert await thread.call(lambda: 5) == 5
    thread.stop()
    assert "a slot's last call failed" in caplog.text
