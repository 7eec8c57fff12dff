"""What happens while the first values of a topic wait for their schema."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from connectors_core import Batch, Config, Record, Reject, Source
from connectors_core.api.errors import StoreError
from connectors_core.api.schema import Schema
from connectors_core.runtime.chain import Step
from tests.unit.runtime.conftest import Gate, JsonOnly
from tests.unit.runtime.test_plane import Ticks
from tests.unit.runtime.test_store_faults import before_commits
from tests.unit.runtime.test_units import source_of


@pytest.fixture
def infers(lab: Any) -> Any:
    """A worker whose converter waits for samples."""
    lab.converter.infers = True
    return lab


def tens(count: int) -> list[Record]:
    """Return records in units of ten."""
    return [Record({"n": n}, offset={"n": n} if n % 10 == 0 else None) for n in range(1, count + 1)]


@pytest.mark.parametrize(("most", "stored"), [(5, 10), (15, 20), (20, 20), (95, 100), (115, 120)])
async def test_max_records_finishes_a_unit_that_waits_for_its_schema(
    infers: Any, most: int, stored: int
) -> None:
    await infers.run(infers.spec(source_of(tens(200))), max_records=most)
    assert [value["n"] for value in infers.values()] == list(range(1, stored + 1))


async def test_max_records_counts_records_not_items_while_they_wait(infers: Any) -> None:
    pairs = [Batch([Record({"n": n}), Record({"n": n})], offset={"n": n}) for n in range(1, 9)]
    rejects = [Reject("bad", offset={"n": n}) for n in range(9, 20)]
    items = [*pairs[:1], *rejects, *[Batch(each.records, {"n": 20}) for each in pairs[:1]], *pairs]
    status = await infers.run(infers.spec(source_of(items), errors_tolerance="all"), max_records=6)
    assert (status.records, status.rejected) == (6, 11)


class Waits(Source[Config]):
    """Gives `given`, then nothing more."""

    name = "waits"
    given: Sequence[Any] = ()

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        for n, value in enumerate(self.given, 1):
            if n > (offset["n"] if offset else 0):
                yield Record(value, offset={"n": n})
        await asyncio.Event().wait()


def waiting_with(*values: Any) -> type[Source[Config]]:
    return type("Given", (Waits,), {"given": values})


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples wait for a moment only."""
    monkeypatch.setattr("connectors_core.runtime.task.SAMPLE_SECONDS", 0.05)


@pytest.mark.usefixtures("soon")
async def test_few_samples_are_stored_though_the_source_gives_no_more(infers: Any) -> None:
    await infers.start(infers.spec(waiting_with({"n": 1}, {"n": 2})))
    await infers.until(lambda: len(infers.values()) == 2)
    await infers.herder.stop()
    assert infers.converter.learned == infers.values() == [{"n": 1}, {"n": 2}]


@pytest.mark.usefixtures("soon")
async def test_samples_that_can_not_be_stored_fail_a_source_that_gives_no_more(infers: Any) -> None:
    await infers.start(infers.spec(waiting_with({"n": {1, 2}})))
    await infers.until(lambda: infers.herder.ended())
    await infers.herder.stop()
    assert infers.herder.statuses()[0].failure.code == "data"
    assert infers.values() == []


class Learns(JsonOnly):
    """Raises `error` from `learn` or from `encode`."""

    def __init__(self, where: str, make: Callable[[], BaseException]) -> None:
        super().__init__(infers=True)
        self.where, self.make = where, make

    def learn(self, topic: str, samples: Sequence[Any]) -> None:
        super().learn(topic, samples)
        if self.where == "learn":
            raise self.make()

    def encode(self, topic: str, schema: object, value: Any) -> bytes:
        if self.where == "encode":
            raise self.make()
        return super().encode(topic, schema, value)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("where", ["learn", "encode"])
@pytest.mark.parametrize("make", [lambda: SystemExit(3), KeyboardInterrupt, BaseException])
@pytest.mark.parametrize("ends", [False, True])
async def test_a_converter_can_not_end_the_process_while_samples_are_taken(
    lab: Any, make: Callable[[], BaseException], where: str, ends: bool
) -> None:
    lab.converter = Learns(where, make)
    one = {"n": 1}
    source = source_of([Record(one, offset={"n": 1})]) if ends else waiting_with(one)
    await lab.start(lab.spec(source, restart_max=0))
    await lab.until(lambda: lab.herder.ended())
    await lab.herder.stop()
    status = lab.herder.statuses()[0]
    assert (status.failure.code, status.tasks[0].state) == ("source.raised", "FAILED")
    assert "a converter raised" in status.failure.text


async def test_only_what_waits_for_a_schema_is_a_sample(infers: Any) -> None:
    """Neither a tombstone, nor what has a schema of its own, nor what is no record of a topic."""
    records = [
        Record({"n": 1}, offset={"n": 1}),
        Record(None, key="k", offset={"n": 2}),
        Record({"n": 3}, schema=Schema.of(int), offset={"n": 3}),
        Record({"n": 4}, topic=[], offset={"n": 4}),  # type: ignore[arg-type]
        Record({"n": 5}, offset={"n": 5}),
    ]
    await infers.run(infers.spec(source_of(records), errors_tolerance="all"))
    assert infers.converter.learned == [{"n": 1}, {"n": 5}]
    assert infers.values() == [{"n": 1}, None, {"n": 3}, {"n": 5}]
    assert len(infers.raw("c-dlq")) == 1


async def test_what_another_task_has_learned_is_not_learned_again(infers: Any) -> None:
    """Both hold samples when the first of them ends."""
    both, learned = threading.Barrier(2), list[Any]()
    infers.converter.learn = lambda topic, samples: learned.append(samples)
    infers.converter.wants_samples = lambda topic, schema: not learned

    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": 0}, {"p": 1}]

        def read(self, partition: Any, offset: Any) -> Any:
            yield Record({"p": partition["p"]}, offset={"n": 1})
            both.wait(30)

    await infers.run(infers.spec(Two, tasks_max=2))
    assert len(learned) == 1
    assert sorted(value["p"] for value in infers.values()) == [0, 1]


class Nameless:
    def __repr__(self) -> str:
        raise RuntimeError("no name")


async def test_a_sample_that_can_not_be_copied_is_a_dead_letter_like_any_other(infers: Any) -> None:
    items = [{"n": 1}, {"n": threading.Lock()}, {"n": Nameless()}, {"n": 4}]
    records = [Record(value, offset={"n": n}) for n, value in enumerate(items, 1)]
    status = await infers.run(infers.spec(source_of(records), errors_tolerance="all"))
    assert (status.state, status.rejected) == ("COMPLETED", 2)
    assert infers.values() == [{"n": 1}, {"n": 4}]
    assert b"lock" in infers.raw("c-dlq")[0]


@pytest.mark.usefixtures("soon")
async def test_samples_wait_for_a_thread_amid_an_item_and_the_loop_does_not(
    infers: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors_core.runtime.task.BUSY_SECONDS", 0.02)
    end = threading.Event()

    class Plain(Source[Config]):
        name = "plain"

        def read(self, partition: Any, offset: Any) -> Any:
            yield from (Record({"n": n}, offset={"n": n}) for n in (1, 2, 3))
            assert end.wait(60)

    await infers.start(infers.spec(Plain, steps=[Step("gate", gate)]), infers.spec(Ticks, "t"))
    await infers.until(gate.reached.is_set)
    await asyncio.sleep(0.1)  # the samples are due
    count, plane = len(infers.values("t")), infers.herder._plane
    await infers.until(lambda: len(infers.values("t")) > count + 20)
    assert infers.values() == []
    gate.opened.set()
    await infers.until(lambda: len(infers.values()) == 3)
    assert infers.herder._plane is plane
    end.set()
    await infers.herder.stop()


@pytest.mark.usefixtures("soon")
async def test_samples_that_a_failed_commit_left_are_read_again_and_stored_once(
    infers: Any,
) -> None:
    fails = [True]

    def once() -> None:
        if fails.pop() if fails else False:
            raise StoreError("broken", code="store.io")

    class Mixed(Source[Config]):
        """Text, which is committed, and samples, which wait."""

        name = "mixed"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            for n in range(offset["n"] + 1 if offset else 1, 5):
                yield Record("text" if n == 1 else {"n": n}, offset={"n": n})
            await asyncio.Event().wait()

    before_commits(infers, once)
    await infers.start(infers.spec(Mixed))
    await infers.until(lambda: len(infers.values()) == 4)
    await asyncio.sleep(0.1)  # what the run before held is due
    await infers.herder.stop()
    assert infers.values() == ["text", {"n": 2}, {"n": 3}, {"n": 4}]
    assert infers.herder.statuses()[0].restarts == 1
