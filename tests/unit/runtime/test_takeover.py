"""A connector that another owner took over: it yields until a user restarts it, and only then."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors_core import Config, Record, Source
from connectors_core.api.errors import FencedError, StoreUnreachable
from connectors_core.api.store import Slot, Transaction
from connectors_core.runtime.plane import Plane

SLOT = "memory"


class Three(Source[Config]):
    """Three partitions of numbers, each up to `last`, but to 300 only until it is taken over."""

    name = "three"
    last = 400
    taken = threading.Event()

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": p} for p in range(3)]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, self.last + 1):
            while n % 20 == 0:
                await asyncio.sleep(0.002)
                if n != 300 or self.taken.is_set():
                    break
            yield Record([partition["p"], n], offset={"n": n})


class Owners:
    """Notes the slots that the worker acquires; `refusals` are raised by the next of them."""

    def __init__(self, lab: Any) -> None:
        self.names: list[str] = []
        self.refusals: list[Exception] = []
        self._acquire: Callable[[str], Slot] = lab.store.acquire
        lab.store.acquire = self.acquire

    def acquire(self, name: str) -> Slot:
        self.names.append(name)
        if self.refusals:
            raise self.refusals.pop(0)
        return self._acquire(name)

    @property
    def count(self) -> int:
        """How often the connector `c` was taken."""
        return self.names.count(SLOT)

    def take_over(self) -> Slot:
        """Be another worker."""
        slot = self._acquire(SLOT)
        Three.taken.set()
        return slot


@pytest.fixture
def owners(lab: Any) -> Owners:
    Three.taken.clear()
    return Owners(lab)


def states(lab: Any) -> set[str]:
    return {task.state for task in lab.herder.statuses()[0].tasks}


def at(n: int) -> Transaction:
    """Return a commit of one offset, which changes nothing for who has read it all."""
    return Transaction(offsets={("c", '{"p":0}'): f'{{"n":{n}}}'})


async def fenced(lab: Any, owners: Owners, source: type[Three] = Three, **options: Any) -> Slot:
    """Start a connector of three tasks and take it over at work; return the slot of the other."""
    await lab.start(lab.spec(source, tasks_max=3, **options))
    await lab.until(lambda: len(lab.values()) > 100)
    other = owners.take_over()
    await lab.until(lambda: states(lab) == {"FAILED"})
    assert lab.herder.statuses()[0].failure.code == "fenced"
    assert owners.count == 1
    return other


def in_order(lab: Any) -> bool:
    """Say whether each number of each partition is there, once and in its place."""
    found: dict[int, list[int]] = {}
    for p, n in lab.values():
        found.setdefault(p, []).append(n)
    whole = list(range(1, Three.last + 1))
    return found == {0: whole, 1: whole, 2: whole}


async def test_a_restart_takes_the_connector_back_and_its_tasks_share_one_writer(
    lab: Any, owners: Owners
) -> None:
    other = await fenced(lab, owners)
    await lab.herder.command("restart", "c")
    await lab.until(lambda: states(lab) == {"COMPLETED"})
    with pytest.raises(FencedError):
        other.commit(at(0))
    await lab.herder.stop()
    assert owners.count == 2
    assert in_order(lab)


async def test_neither_a_new_partition_nor_a_resume_takes_a_connector_back(
    lab: Any, owners: Owners
) -> None:
    asked = [0]

    class Grows(Three):
        async def partitions(self) -> list[dict[str, int]]:
            asked[0] += 1
            return [{"p": p} for p in range(2 if asked[0] == 1 else 3)]

    other = await fenced(lab, owners, Grows, partitions_refresh_ms=300)
    seen = asked[0]
    await lab.until(lambda: asked[0] >= seen + 2 and states(lab) == {"FAILED"})
    await lab.herder.command("pause", "c")
    await lab.herder.command("resume", "c")
    await lab.until(lambda: asked[0] >= seen + 3 and states(lab) == {"FAILED"})
    other.commit(at(7))
    await lab.herder.stop()
    assert owners.count == 1


async def test_who_is_fenced_again_while_he_takes_back_yields_after_one_try(
    lab: Any, owners: Owners
) -> None:
    """Two users restart at the same time: no task may try again for itself."""
    await fenced(lab, owners)
    owners.refusals = [FencedError("another one was faster", code="fenced.claim")]
    errors = lab.herder.statuses()[0].errors
    await lab.herder.command("restart", "c")
    await lab.until(lambda: lab.herder.statuses()[0].errors == errors + 3)
    assert states(lab) == {"FAILED"}
    assert owners.count == 2
    await lab.herder.command("restart", "c")
    await lab.until(lambda: states(lab) == {"COMPLETED"})
    await lab.herder.stop()
    assert owners.count == 3
    assert in_order(lab)


async def test_a_store_that_does_not_answer_is_asked_again_for_what_a_user_wants_back(
    lab: Any, owners: Owners
) -> None:
    await fenced(lab, owners)
    owners.refusals = [StoreUnreachable("no broker answered") for _ in range(4)]
    await lab.herder.command("restart", "c")
    await lab.until(lambda: states(lab) == {"COMPLETED"})
    await lab.herder.stop()
    assert owners.count == 6
    assert in_order(lab)


async def test_the_old_writer_is_closed_when_no_run_is_left_on_it(
    lab: Any, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One task has seen that it is fenced; two have nothing to commit, run on, and close slowly."""
    ends: list[str] = []

    class Slow(Three):
        last = 100_000

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            try:
                if partition["p"] and owners.count == 1:
                    await asyncio.sleep(60)
                async for record in super().read(partition, offset):
                    yield record
            finally:
                await asyncio.sleep(0.1)
                ends.append("run")

    give_up = Plane.give_up

    async def noted(self: Plane, writer: Any) -> None:
        ends.append("writer")
        await give_up(self, writer)

    monkeypatch.setattr(Plane, "give_up", noted)
    await lab.start(lab.spec(Slow, tasks_max=3))
    await lab.until(lambda: len(lab.values()) > 100)
    owners.take_over()
    await lab.until(lambda: states(lab) == {"FAILED", "RUNNING"})
    await lab.herder.command("restart", "c")
    await lab.until(lambda: owners.count == 2)
    assert ends == ["run", "run", "run", "writer"]
    await lab.until(lambda: {p for p, _ in lab.values()} == {0, 1, 2})
    await lab.herder.stop()


async def test_a_pause_while_it_is_taken_back_is_heeded(lab: Any, owners: Owners) -> None:
    await fenced(lab, owners)
    held = threading.Event()

    def slowly(name: str) -> Slot:
        assert held.wait(30)
        return owners.take_over()

    lab.store.acquire = slowly
    await lab.herder.command("restart", "c")
    await lab.until(lambda: states(lab) == {"RUNNING"})
    await lab.herder.command("pause", "c")
    held.set()
    await lab.until(lambda: states(lab) == {"PAUSED"})
    count = len(lab.values())
    await lab.herder.command("resume", "c")
    await lab.until(lambda: states(lab) == {"COMPLETED"})
    await lab.herder.stop()
    assert len(lab.values()) > count
    assert in_order(lab)


async def test_a_fresh_loop_takes_nothing_back(
    lab: Any, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A neighbour blocks the loop, and all start on another; who was fenced waits for a word."""
    monkeypatch.setattr("connectors_core.herder.standalone.SILENT_SECONDS", 0.7)
    blocks, release = threading.Event(), threading.Event()

    class Blocks(Source[Config]):
        name = "blocks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            while not blocks.is_set():
                await asyncio.sleep(0.01)
            release.wait()
            yield Record(1, offset={"n": 1})

    lab.store.slot_name = lambda connector: SLOT if connector == "c" else connector
    herder = await lab.start(lab.spec(Three, tasks_max=3), lab.spec(Blocks, "b"))
    await lab.until(lambda: len(lab.values()) > 100)
    other = owners.take_over()
    await lab.until(lambda: states(lab) == {"FAILED"})
    blocks.set()
    await lab.until(lambda: owners.names.count("b") == 2)
    release.set()
    status = herder.statuses()[0]
    assert (status.state, status.failure.code) == ("FAILED", "fenced")
    other.commit(at(Three.last))
    await herder.command("restart", "c")
    await lab.until(lambda: states(lab) == {"COMPLETED"})
    await herder.stop()
    assert owners.count == 2
