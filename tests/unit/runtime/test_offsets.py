"""Offsets that are told, that others have put there, and that are of no use."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from connectors_core import Config, OffsetError, Record, Retry, Source
from connectors_core.api.store import Transaction
from tests.unit.runtime.test_ends import Counting


def put(lab: Any, offset: str) -> None:
    """Write an offset as another program may, without a look at it."""
    lab.store.acquire("other").commit(Transaction(offsets={("c", "{}"): offset}))


@pytest.mark.parametrize("offset", ["", "n=5", "[5]", "5", "null", '"n"', "{"])
async def test_a_stored_offset_that_is_none_fails_the_task_and_names_the_cure(
    lab: Any, offset: str
) -> None:
    put(lab, offset)
    status = await lab.run(lab.spec(Counting))
    assert (status.state, status.failure.code, lab.values()) == ("FAILED", "offset.unreadable", [])
    assert "pyconnect offsets set" in status.failure.text


async def test_a_stored_offset_that_is_none_may_be_read_over_from_the_start(lab: Any) -> None:
    put(lab, "n=5")
    status = await lab.run(lab.spec(Counting, offset_reset="restart"))
    assert (status.state, lab.values()) == ("COMPLETED", [1, 2, 3, 4, 5])
    assert lab.offsets() == {"{}": {"n": 5}}


async def test_an_offset_error_without_an_offset_is_not_tried_again(lab: Any) -> None:
    """There is nothing to reset: the source would say the same for ever."""

    class Never(Source[Config]):
        name = "never"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            raise OffsetError("nothing is there.")
            yield

    status = await lab.run(lab.spec(Never, offset_reset="restart"))
    assert (status.state, status.failure.code) == ("FAILED", "offset")


async def test_what_was_reset_is_not_told_as_committed(lab: Any) -> None:
    told: list[int] = []

    class Pruned(Source[Config]):
        """Its upstream forgets everything after the third record."""

        name = "pruned"
        reads = 0

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            assert offset is None
            type(self).reads += 1
            for n in range(1, 4):
                yield Record(n, offset={"n": n})
            if self.reads == 1:
                raise OffsetError("it is pruned.")

        async def committed(self, partition: Any, offset: Any) -> None:
            told.append(self.reads * 10 + offset["n"])

    status = await lab.run(lab.spec(Pruned, offset_reset="restart", **{"commit.linger.ms": 60_000}))
    assert (status.state, status.errors, lab.values()) == ("COMPLETED", 0, [1, 2, 3, 1, 2, 3])
    assert told == [23]


@pytest.mark.parametrize("plain", [False, True])
async def test_a_committed_that_raises_ends_a_generator_that_waits(lab: Any, plain: bool) -> None:
    closed: list[bool] = []

    class Waits(Source[Config]):
        name = "waits"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            try:
                yield Record(1, offset={"n": 1})
                await asyncio.Event().wait()
            finally:
                closed.append(True)

        async def committed(self, partition: Any, offset: Any) -> None:
            raise ValueError("no ack")

    class Pulled(Waits):
        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            try:
                for n in range(offset["n"] + 1 if offset else 1, 10_000_000):
                    yield Record(n, offset={"n": n})
            finally:
                closed.append(True)

    status = await lab.run(lab.spec(Pulled if plain else Waits, restart_max=0))
    assert (status.state, status.failure.text) == ("FAILED", "ValueError: no ack")
    assert closed == [True]
    assert lab.values() == list(range(1, len(lab.values()) + 1))
    assert lab.offsets()["{}"]["n"] == len(lab.values())


@pytest.mark.parametrize("plain", [False, True])
async def test_a_committed_that_says_retry_closes_the_generator_before_the_next(
    lab: Any, plain: bool
) -> None:
    alive, most, told = [0], [0], list[int]()

    class Retries(Source[Config]):
        name = "retries"

        def begin(self) -> None:
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            self.begin()
            try:
                n = offset["n"] + 1 if offset else 1
                yield Record(n, offset={"n": n})
                if n < 3:
                    await asyncio.Event().wait()
            finally:
                alive[0] -= 1

        async def committed(self, partition: Any, offset: Any) -> None:
            told.append(offset["n"])
            if told.count(offset["n"]) == 1 and offset["n"] < 3:
                raise Retry("no ack", after=0)

    class RetriesPlain(Retries):
        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            self.begin()
            try:
                for n in range(offset["n"] + 1 if offset else 1, 4):
                    yield Record(n, offset={"n": n})
                    while n < 3 and n not in told:
                        time.sleep(0.001)
            finally:
                alive[0] -= 1

    status = await lab.run(lab.spec(RetriesPlain if plain else Retries))
    assert (status.state, status.errors, alive, most) == ("COMPLETED", 0, [0], [1])
    assert lab.values() == [1, 2, 3]


async def test_a_committed_that_does_not_return_keeps_no_retry(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told again before the next read."""
    monkeypatch.setattr("connectors_core.runtime.reader.TELL_SECONDS", 0.05)
    told: list[int] = []

    class Hangs(Counting):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            async for record in super().read(partition, offset):
                yield record
                if record.value == 3:
                    while not told:
                        await asyncio.sleep(0.001)
                    raise Retry(after=0.01)

        async def committed(self, partition: Any, offset: Any) -> None:
            told.append(offset["n"])
            if len(told) == 1:
                await asyncio.Event().wait()

    status = await lab.run(lab.spec(Hangs))
    assert (status.state, status.errors, lab.values()) == ("COMPLETED", 0, [1, 2, 3, 4, 5])
    assert (told[1], told[-1]) == (3, 5)


@pytest.mark.parametrize("plain", [False, True])
async def test_a_committed_that_raises_when_the_generator_has_ended_fails_the_task(
    lab: Any, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a run would be COMPLETED whose upstream was never told, though it takes its time."""
    monkeypatch.setattr("connectors_core.runtime.reader.TELL_SECONDS", 0.01)

    class Late(Counting):
        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            async for record in super().read(partition, offset):
                yield record
            while not telling.is_set():
                await asyncio.sleep(0.001)

        async def committed(self, partition: Any, offset: Any) -> None:
            telling.set()
            await asyncio.sleep(0.1)
            raise ValueError("no ack")

    class LatePlain(Late):
        def committed(self, partition: Any, offset: Any) -> None:  # type: ignore[override]
            telling.set()
            time.sleep(0.1)
            raise ValueError("no ack")

    telling = threading.Event()
    status = await lab.run(lab.spec(LatePlain if plain else Late, restart_max=0))
    assert (status.state, lab.values()) == ("FAILED", [1, 2, 3, 4, 5])
    assert status.failure.text == "ValueError: no ack"
