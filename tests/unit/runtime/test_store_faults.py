"""What happens to units around a commit that fails, waits for room, or is very slow."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from connectors_core import Batch, Config, ConfigError, Record, Retry, Source
from connectors_core.api.errors import DataError, StoreError, StoreFull
from connectors_core.runtime.state import Overlay


class Slowed:
    """A slot whose commits first go through `before`, which may wait or raise."""

    def __init__(self, slot: Any, before: Callable[[], None]) -> None:
        self._slot = slot
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slot, name)

    def commit(self, transaction: Any) -> None:
        self._before()
        self._slot.commit(transaction)


def before_commits(lab: Any, before: Callable[[], None]) -> None:
    acquire = lab.store.acquire
    lab.store.acquire = lambda name: Slowed(acquire(name), before)


class Steady(Source[Config]):
    """Numbers, with waits between them, from a generator that takes its time to close."""

    name = "steady"
    last = 3000

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        try:
            for n in range(offset["n"] + 1 if offset else 1, self.last + 1):
                if n % 20 == 0:
                    await asyncio.sleep(0.0005)
                yield Record(n, offset={"n": n})
        finally:
            await asyncio.sleep(0.05)


async def test_nothing_is_committed_over_a_commit_that_failed(lab: Any) -> None:
    calls = [0]

    def fails_once() -> None:
        time.sleep(0.01)
        calls[0] += 1
        if calls[0] == 3:
            raise StoreError("broken", code="store.io")

    before_commits(lab, fails_once)
    status = await lab.run(lab.spec(Steady))
    assert (status.state, status.restarts) == ("COMPLETED", 1)
    assert lab.values() == list(range(1, 3001))


@pytest.mark.slow
async def test_a_restart_while_the_store_is_full_doubles_nothing(lab: Any) -> None:
    full = threading.Event()

    def fills_up() -> None:
        if full.is_set():
            raise StoreFull("no room")

    before_commits(lab, fills_up)
    herder = await lab.start(lab.spec(Steady))
    await lab.until(lambda: len(lab.values()) > 50)
    full.set()
    await lab.until(lambda: herder.statuses()[0].note)
    await herder.command("restart", "c")
    await asyncio.sleep(2.5)  # a new run that did not wait would have read the old offset by now
    assert herder.statuses()[0].note == "no room"
    full.clear()
    await lab.until(herder.ended)
    await herder.stop()
    assert lab.values() == list(range(1, 3001))


async def test_no_partition_goes_on_over_samples_that_failed(lab: Any) -> None:
    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": "a"}, {"p": "b"}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            for n in range(offset["n"] + 1 if offset else 1, 500):
                bad = partition["p"] == "a" and n == 10
                yield Record({partition["p"]: {1, 2} if bad else n}, offset={"n": n})
                await asyncio.sleep(0)

    lab.converter.infers = True
    status = await lab.run(lab.spec(Two))
    assert status.state == "FAILED"
    for name in ("a", "b"):
        found = [value[name] for value in lab.values() if name in value]
        assert found == list(range(1, len(found) + 1))
    assert lab.offsets().get('{"p":"a"}', {"n": 0})["n"] <= 9


@pytest.mark.slow
async def test_a_partition_is_let_go_before_another_task_takes_it_up(lab: Any) -> None:
    asked = [0]

    class Moves(Source[Config]):
        name = "moves"

        async def partitions(self) -> Any:
            asked[0] += 1
            # b gives its place to d, and comes back to a group of its own
            return [
                {"p": name} for name in ("abc" if asked[0] == 1 else "adc", "adcb")[asked[0] > 2]
            ]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            for n in range(offset["n"] + 1 if offset else 1, 100_000):
                if n % 20 == 0:
                    await asyncio.sleep(0.001)
                yield Record([partition["p"], n], offset={"n": n})

    before_commits(lab, lambda: time.sleep(0.2))
    herder = await lab.start(lab.spec(Moves, tasks_max=4, partitions_refresh_ms=100))
    await lab.until(lambda: asked[0] >= 4 and any(p == "d" for p, _ in lab.values()))
    await asyncio.sleep(0.5)
    await herder.stop()
    for name in "abcd":
        found = [n for p, n in lab.values() if p == name]
        assert found == list(range(1, len(found) + 1))
        assert found


async def test_a_change_of_partitions_is_no_reason_to_retry_what_failed(lab: Any) -> None:
    asked, reads, failed = [0], [0], threading.Event()

    class Refused(Source[Config]):
        name = "refused"

        async def partitions(self) -> Any:
            asked[0] += failed.is_set()
            return [{"p": n} for n in range(asked[0] + 1)]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            reads[0] += 1
            raise ConfigError("no such key")
            yield

    herder = await lab.start(lab.spec(Refused, partitions_refresh_ms=100))
    await lab.until(lambda: herder.statuses()[0].state == "FAILED")
    failed.set()
    await lab.until(lambda: asked[0] >= 3)
    await herder.stop()
    assert reads == [1]


async def test_what_is_shown_of_a_partition_goes_with_it(lab: Any) -> None:
    asked = [0]

    class Daily(Source[Config]):
        name = "daily"

        async def partitions(self) -> Any:
            asked[0] += 1
            return [{"day": asked[0]}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            self.context.report(partition, lag=0)
            yield Record(1, offset={"n": partition["day"]})

    herder = await lab.start(lab.spec(Daily, partitions_refresh_ms=100))
    await lab.until(lambda: asked[0] >= 6)
    await herder.stop()
    status = herder.statuses()[0]
    assert len(status.offsets) <= 2
    assert len(status.facts) <= 2


async def test_threads_of_one_task_are_all_woken_when_there_is_room(lab: Any) -> None:
    class Many(Source[Config]):
        name = "many"

        async def partitions(self) -> Any:
            return [{"p": n} for n in range(8)]

        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            for n in range(1, 200):
                yield Record("x" * 200, offset={"n": n})

    before_commits(lab, lambda: time.sleep(0.002))
    status = await lab.run(lab.spec(Many, read_ahead_bytes=2000))
    assert (status.state, status.records) == ("COMPLETED", 8 * 199)


async def test_a_plain_generator_may_keep_state_while_commits_go_on(lab: Any) -> None:
    class Keeps(Source[Config]):
        name = "keeps"

        def read(self, partition: Any, offset: Any) -> Iterator[Batch]:  # type: ignore[override]
            state = self.context.state(partition)
            for n in range(1, 1500):
                assert (state.get("n") or 0) == n - 1
                yield Batch([Record(n)], offset={"n": n}, state={"n": n, f"row|{n}": n})

    status = await lab.run(lab.spec(Keeps, commit_linger_ms=0))
    assert (status.state, lab.values()) == ("COMPLETED", list(range(1, 1500)))


def test_an_overlay_bears_two_threads() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    overlay, stop = Overlay(), threading.Event()
    errors: list[BaseException] = []
    turns = itertools.count()

    def write() -> None:
        try:
            while not stop.is_set():
                turn = next(turns)
                overlay.forget(overlay.put({f"k{turn}|{n}": "1" for n in range(50)}) - 3)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3000):
            overlay.after("", b"")
            overlay.of(["k1"])
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert errors == []


async def test_large_headers_count_as_bytes(lab: Any) -> None:
    class Heavy(Source[Config]):
        name = "heavy"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(1, headers=[("h", b"x" * 5000)], offset={"n": 1})

    status = await lab.run(lab.spec(Heavy, batch_max_bytes=4096))
    assert status.failure.code == "data.too-large"


@pytest.mark.slow
async def test_a_retry_is_not_kept_waiting_by_a_busy_neighbour(lab: Any) -> None:
    reads: list[float] = []

    class Busy(Source[Config]):
        name = "busy"

        async def partitions(self) -> Any:
            return [{"p": "a"}, {"p": "b"}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            if partition["p"] == "a":
                reads.append(time.monotonic())
                if len(reads) == 1:
                    yield Record("a", offset={"n": 1})
                    raise Retry(after=0.1)
                return
            until = time.monotonic() + 3
            for n in itertools.count(1):
                if time.monotonic() > until:
                    return
                yield Record(n, offset={"n": n})
                await asyncio.sleep(0)

    before_commits(lab, lambda: time.sleep(0.003))
    status = await lab.run(lab.spec(Busy))
    assert status.state == "COMPLETED"
    assert reads[1] - reads[0] < 2


async def test_a_pause_among_the_first_samples_closes_a_plain_generator(lab: Any) -> None:
    pulled, closed = [0], threading.Event()

    class Endless(Source[Config]):
        name = "endless"

        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            try:
                for n in itertools.count(offset["n"] + 1 if offset else 1):
                    pulled[0] = n
                    yield Record({"n": n}, offset={"n": n})
                    time.sleep(0.02 if n < 20 else 0)
            finally:
                closed.set()

    lab.converter.infers = True
    herder = await lab.start(lab.spec(Endless))
    await lab.until(lambda: pulled[0] >= 3)
    await herder.command("pause", "c")
    await lab.until(closed.is_set)
    assert pulled[0] < 100
    await herder.stop()


async def test_a_retry_waits_for_what_another_thread_has_just_closed(lab: Any) -> None:
    reads = [0]

    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": "a"}, {"p": "b"}]

        def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
            first = offset["n"] + 1 if offset else 1
            if partition["p"] == "a":
                reads[0] += 1
                for n in range(first, 6):
                    yield Record({"a": n}, offset={"n": n})
                if reads[0] == 1:
                    time.sleep(0.05)
                    raise Retry(after=0.1)
                return
            for n in range(first, 200):
                time.sleep(0.05 if n == 90 else 0)
                yield Record({"b": n}, offset={"n": n})

    before_commits(lab, lambda: time.sleep(0.3))
    lab.converter.infers = True
    status = await lab.run(lab.spec(Two))
    assert status.state == "COMPLETED"
    assert [value["a"] for value in lab.values() if "a" in value] == [1, 2, 3, 4, 5]


class Refusing(Slowed):
    """A slot of a log that takes no record of the word "refused"."""

    def __init__(self, slot: Any) -> None:
        super().__init__(slot, lambda: None)

    def commit(self, transaction: Any) -> None:
        rows = [row for some in transaction.rows.values() for row in some]
        if any(b"refused" in (row[1] or b"") for row in rows):
            raise DataError("a record was refused", code="data.refused")
        self._slot.commit(transaction)


async def test_a_record_that_the_log_refuses_fails_its_own_task_alone(lab: Any) -> None:
    class Two(Source[Config]):
        name = "two"

        async def partitions(self) -> Any:
            return [{"p": "good"}, {"p": "bad"}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            for n in range(offset["n"] + 1 if offset else 1, 201):
                bad = partition["p"] == "bad" and n == 100
                yield Record("refused" if bad else f"{partition['p']}{n}", offset={"n": n})
                await asyncio.sleep(0)

    acquire = lab.store.acquire
    lab.store.acquire = lambda name: Refusing(acquire(name))
    await lab.run(lab.spec(Two, tasks_max=2, commit_linger_ms=20))
    states = {task.partitions[0]: task.state for task in lab.herder.statuses()[0].tasks}
    assert states == {'{"p":"good"}': "COMPLETED", '{"p":"bad"}': "FAILED"}
    values = lab.values()
    assert [value for value in values if value.startswith("good")] == [
        f"good{n}" for n in range(1, 201)
    ]
    bad = [value for value in values if value.startswith("bad")]
    assert bad == [f"bad{n}" for n in range(1, len(bad) + 1)]
    assert len(bad) < 100
