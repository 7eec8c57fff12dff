"""What waits before a commit is due is handed to the slot ahead of it, and is not changed by that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors_core import Batch, Config, Record, Source
from connectors_core.api.errors import DataError, StoreError
from connectors_core.api.store import Row, SchemaRow, Transaction
from connectors_core.runtime import writer
from connectors_core.runtime.load import Load
from connectors_core.runtime.slot_thread import SlotThread
from connectors_core.runtime.unit import Outbox, Parcel
from connectors_core.stores.memory import MemorySlot, MemoryStore

Rows = dict[tuple[str, int], list[Row]]
LINGER_MS = 40


class Ahead:
    """Makes the slots of the memory store stage: notes what comes, and whether a commit fits it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.commits: list[tuple[Rows, Transaction]] = []
        self.broken: Callable[[Transaction], None] = lambda transaction: None
        self.stagings = 0
        self._staged: Rows = {}
        self._commit = MemoryStore.commit
        patch.setattr(MemorySlot, "stages", True)
        patch.setattr(MemorySlot, "stage", self.stage)
        patch.setattr(MemoryStore, "commit", lambda *given: self.commit(*given))

    def stage(self, transaction: Transaction) -> None:
        assert not self._staged, "staged twice for one commit"
        self.stagings += 1
        self._staged = {target: list(those) for target, those in transaction.rows.items()}

    def commit(self, store: Any, slot: Any, transaction: Transaction) -> None:
        staged, self._staged = self._staged, {}
        self.broken(transaction)
        for target, rows in staged.items():
            assert transaction.rows[target][: len(rows)] == rows
        self.commits.append((staged, transaction))
        self._commit(store, slot, transaction)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    return Ahead(monkeypatch)


def paced(count: int, make: Callable[[int], Any]) -> type[Source[Config]]:
    """Return a source that yields an item every 5 ms."""

    class Paced(Source[Config]):
        name = "paced"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            for n in range((offset or {"n": 0})["n"] + 1, count + 1):
                await asyncio.sleep(0.005)
                yield make(n)

    return Paced


def numbered(n: int) -> Record:
    return Record(n, offset={"n": n})


def with_state(n: int) -> Batch:
    return Batch([Record(n)], offset={"n": n}, state={f"k{n}": n, "last": n})


async def test_the_first_records_after_a_commit_are_staged_and_stored_once(
    lab: Any, ahead: Ahead
) -> None:
    status = await lab.run(lab.spec(paced(60, numbered), commit_linger_ms=LINGER_MS))
    assert status.records == 60
    assert lab.values() == list(range(1, 61))
    grown = [1 for staged, whole in ahead.commits if staged and staged != whole.rows]
    assert grown, "no commit got more rows than were staged"


async def test_tasks_that_share_a_partition_keep_the_order_in_which_they_were_staged(
    lab: Any, ahead: Ahead
) -> None:
    """`commit` above sees that rows which came later are behind all that were staged."""
    specs = [
        lab.spec(paced(60, numbered), name=name, topic="c", commit_linger_ms=LINGER_MS)
        for name in ("c", "d", "e")
    ]
    for spec in specs:
        spec.topics[None] = specs[0].topics[None]
    await lab.run(*specs)
    both = [staged for staged, _ in ahead.commits if any(len(rows) > 1 for rows in staged.values())]
    assert both or len(ahead.commits) > 3
    assert sorted(lab.values()) == sorted(3 * list(range(1, 61)))


async def test_state_of_both_parts_is_stored(lab: Any, ahead: Ahead) -> None:
    await lab.run(lab.spec(paced(40, with_state), commit_linger_ms=LINGER_MS))
    store: MemoryStore = lab.store
    state = store.acquire("again").state("c", "{}")
    assert dict(state.scan("", "", 100)) == {f"k{n}": str(n) for n in range(1, 41)} | {"last": "40"}


async def test_a_commit_that_fails_takes_what_was_staged_with_it(lab: Any, ahead: Ahead) -> None:
    failures = iter([False, True, False, True])

    def broken(transaction: Transaction) -> None:
        if next(failures, False):
            raise StoreError("no", code="store.no")

    ahead.broken = broken
    await lab.run(lab.spec(paced(60, numbered), commit_linger_ms=LINGER_MS))
    assert lab.values() == list(range(1, 61))


async def test_a_record_that_is_refused_fails_its_own_task_with_both_its_parts(
    lab: Any, ahead: Ahead
) -> None:
    def broken(transaction: Transaction) -> None:
        if any(row[1] == b"-30" for rows in transaction.rows.values() for row in rows):
            raise DataError("refused", code="data.refused")

    ahead.broken = broken
    bad = lab.spec(paced(60, lambda n: Record(-n, offset={"n": n})), commit_linger_ms=LINGER_MS)
    good = lab.spec(paced(60, numbered), name="good", commit_linger_ms=LINGER_MS)
    herder = await lab.start(bad, good)
    await lab.until(herder.ended)
    await herder.stop()
    assert [status.state for status in herder.statuses()] == ["FAILED", "COMPLETED"]
    assert lab.values("good") == list(range(1, 61))
    stored = lab.values()
    assert stored == [-n for n in range(1, len(stored) + 1)]
    assert len(stored) < 30


@pytest.mark.parametrize("breaks", [False, True])
async def test_an_offset_that_can_not_be_written_fails_its_task_and_not_what_is_staged(
    lab: Any, ahead: Ahead, breaks: bool
) -> None:
    """It is found when its commit is due; the part of that which was there before is whole."""

    class Large(Source[Config]):
        name = "large"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(1, offset={"n": 1})
            while not ahead.commits:
                await asyncio.sleep(0.001)
            yield Record(2, offset={"n": 2})
            while not ahead.stagings:
                await asyncio.sleep(0.001)
            yield Record(3, offset={"n": "x" * 2000})
            await asyncio.Event().wait()

    def broken(transaction: Transaction) -> None:
        if breaks and ahead.commits:
            raise StoreError("no", code="store.no")

    ahead.broken = broken
    status = await lab.run(lab.spec(Large, commit_linger_ms=900))
    assert (status.state, status.failure.code) == ("FAILED", "source.offset")
    assert lab.values() == ([1] if breaks else [1, 2])
    assert lab.offsets() == {"{}": {"n": len(lab.values())}}


async def test_nothing_is_staged_long_before_a_commit_is_due(
    lab: Any, ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "STAGE_SECONDS", LINGER_MS / 2000)
    await lab.run(lab.spec(paced(20, numbered), commit_linger_ms=LINGER_MS))
    assert [staged for staged, _ in ahead.commits if staged] == []


def test_what_two_parcels_hold_is_in_their_sum() -> None:
    class Task:
        connector = "c"

    def parcel(value: bytes, n: int) -> Parcel:
        rows: list[Row] = [(None, value, None, ())]
        counted = {"records": n, "rejected": n, "filtered": n, "bytes": n, "undelivered": n}
        state = {"{}": {"k": value.decode(), value.decode(): "1"}}
        return Parcel(rows={("t", 0): rows}, state=state, ages={"{}": n}, **counted)  # type: ignore[arg-type]

    task: Any = Task()
    load = Load()
    load.add(task, parcel(b"a", 1), {"{}": "1", "x": "7"})
    staged = load.transaction.rows["t", 0]
    load.add(task, parcel(b"b", 2), {"{}": "2"})
    assert staged == [(None, b"a", None, ())], "what was staged is not changed"
    assert [row[1] for row in load.transaction.rows["t", 0]] == [b"a", b"b"]
    assert load.transaction.state["c", "{}"] == {"k": "b", "a": "1", "b": "1"}
    assert load.transaction.offsets == {("c", "{}"): "2", ("c", "x"): "7"}
    whole, offsets = load.shares[task]
    assert offsets == {"{}": "2", "x": "7"}
    assert whole.rows == load.transaction.rows
    assert whole.state["{}"] == load.transaction.state["c", "{}"]
    assert (whole.records, whole.rejected, whole.filtered) == (3, 3, 3)
    assert (whole.bytes, whole.undelivered, whole.ages) == (3, 3, {"{}": 2})


def test_room_is_what_both_parts_of_a_commit_leave() -> None:
    outbox = Outbox(10, 1000, 1000, lambda full: None)
    outbox.parcel.bytes = 100
    outbox.take()
    outbox.parcel.bytes = 50
    outbox.take()
    assert outbox.room == 850
    assert not outbox.empty
    outbox.settle()
    assert outbox.room == 1000
    assert outbox.empty


class NoSchemas:
    """A registry with nothing in it."""

    def pending(self) -> list[SchemaRow]:
        return []

    def durable(self, rows: list[SchemaRow]) -> None:
        return None


class Busy:
    """A task that can't hand over its first two times."""

    connector, linger, revoked = "c", 0.3, False

    def __init__(self) -> None:
        self.outbox = Outbox(10, 1000, 1000, lambda full: None)
        self.asked = 0
        self.done = asyncio.Event()

    def take(self) -> Parcel | None:
        self.asked += 1
        return self.outbox.take() if self.asked > 2 else None

    def committed(self, parcel: Parcel, offsets: Any) -> None:
        self.done.set()

    def failed(self, error: Exception) -> None:
        raise error


class Noting:
    """A slot that notes its calls."""

    stages = True

    def __init__(self) -> None:
        self.calls: list[str] = []

    def stage(self, transaction: Transaction) -> None:
        self.calls.append(f"stage {len(transaction.rows)}")

    def commit(self, transaction: Transaction) -> None:
        self.calls.append(f"commit {len(transaction.rows)}")

    def release(self) -> None:
        self.calls.append("release")


async def test_nothing_is_staged_of_tasks_that_can_not_hand_over() -> None:
    """A transaction that was begun for nothing would stay open."""
    slot, client = Noting(), Busy()
    client.outbox.parcel.rows["t", 0] = [(None, b"x", None, ())]
    found = writer.Writer("test", slot, SlotThread("test"), NoSchemas())  # type: ignore[arg-type]
    found._last = time.monotonic()
    found.start()
    found.wake(client, full=False)
    async with asyncio.timeout(10):
        await client.done.wait()
    await found.close()
    assert slot.calls[-2:] == ["commit 1", "release"]
    assert "stage 0" not in slot.calls


@pytest.fixture
async def working(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[writer.Writer, Noting]]:
    """A writer at work, and its slot."""
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.02)
    slot = Noting()
    found = writer.Writer("test", slot, SlotThread("test"), NoSchemas())  # type: ignore[arg-type]
    found.start()
    yield found, slot
    await found.close()


async def test_who_is_revoked_is_not_asked_for_anything(working: Any) -> None:
    """Though it may still say that it has something: its thread does not know yet."""
    found, slot = working
    client, other = Busy(), Busy()
    client.revoked = True
    found.wake(client, full=True)
    found.wake(other, full=True)
    async with asyncio.timeout(10):
        await other.done.wait()
    assert (client.asked, slot.calls[-1]) == (0, "commit 0")


async def test_who_could_not_hand_over_and_is_forgotten_is_not_asked_again(working: Any) -> None:
    found, _ = working
    client = Busy()
    client.linger = 0.0
    found.wake(client, full=True)
    async with asyncio.timeout(10):
        while not client.asked:
            await asyncio.sleep(0.001)
    found.forget(client)
    await asyncio.sleep(0.1)
    assert client.asked == 1
