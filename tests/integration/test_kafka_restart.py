"""A connector that another worker took over on a real broker, and a user who wants it back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Config, Record, Source
from connectors_core.api.errors import FencedError
from connectors_core.api.store import Row, Slot, Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore, ProducerOptions, slot
from tests.kafka import topic
from tests.unit.runtime.conftest import Lab

Open = Callable[[], KafkaStore]
LAST = 600
ALONE = 25
"""How many numbers of each partition the other worker writes before it is taken from."""


class Numbers(Source[Config]):
    """Up to 300 only until it is taken over."""

    name = "numbers"
    asked = 0
    taken = threading.Event()

    async def partitions(self) -> list[dict[str, int]]:
        Numbers.asked += 1
        return [{"p": p} for p in range(3)]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, LAST + 1):
            while n % 10 == 0:
                await asyncio.sleep(0.02)
                if n != 300 or self.taken.is_set():
                    break
            yield Record([partition["p"], n], offset={"n": n})


@pytest.fixture(params=[True, False], ids=["exactly-once", "at-least-once"])
def exactly_once(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def opened(
    exactly_once: bool, kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Open a worker's store."""
    monkeypatch.setattr(slot, "CLAIM_SECONDS", 0.1)
    stores: list[KafkaStore] = []

    class AllOfThem(dict[str, ProducerOptions]):
        def get(self, *given: Any) -> Any:
            return ProducerOptions(exactly_once)

    def open_store() -> KafkaStore:
        settings = KafkaSettings({"bootstrap.servers": kafka})
        stores.append(KafkaStore(settings, tmp_path / str(len(stores)), AllOfThem()))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def go_on(other: Slot, name: str) -> None:
    """Do the connector's work for a while, from where it was left."""
    for key, text in other.offsets(name).items():
        p, n = json.loads(key)["p"], json.loads(text)["n"]
        rows: list[Row] = [
            (None, json.dumps([p, number]).encode(), None, ())
            for number in range(n + 1, n + ALONE + 1)
        ]
        offsets: dict[tuple[str, str], str | None] = {(name, key): f'{{"n":{n + ALONE}}}'}
        other.commit(Transaction(rows={(name, 0): rows}, offsets=offsets))


async def test_a_restart_takes_it_back_from_where_the_other_one_is(
    opened: Open, exactly_once: bool
) -> None:
    """Until then it yields, whatever the restart policy says; nothing is lost, doubled or moved."""
    Numbers.taken.clear()
    lab, name = Lab(), topic.unique("c")
    lab.store, second = await asyncio.to_thread(opened), await asyncio.to_thread(opened)
    herder = await lab.start(lab.spec(Numbers, name, tasks_max=3, partitions_refresh_ms=200))
    status = lambda: herder.statuses()[0]  # noqa: E731 - a name for what is looked at again and again
    await lab.until(lambda: status().records > 90 and len(status().offsets) == 3)
    other = await asyncio.to_thread(second.acquire, second.slot_name(name))
    Numbers.taken.set()
    await lab.until(lambda: {task.state for task in status().tasks} == {"FAILED"})
    assert status().failure.code == "fenced.claim"
    assert f"pyconnect restart {name}" in status().failure.text
    await asyncio.to_thread(go_on, other, name)
    asked = Numbers.asked  # restarts by the policy would come after a few milliseconds
    await lab.until(lambda: Numbers.asked > asked + 3)
    await asyncio.to_thread(go_on, other, name)
    await herder.command("restart", name)
    await lab.until(lambda: status().state == "COMPLETED")
    with pytest.raises(FencedError, match="was taken over"):
        await asyncio.to_thread(other.commit, Transaction(offsets={(name, '{"p":0}'): '{"n":1}'}))
    await asyncio.to_thread(other.release)
    values = await asyncio.to_thread(lab.values, name)
    await herder.stop()
    found = {p: [n for q, n in values if q == p] for p in range(3)}
    if not exactly_once:  # the older owner's last commit may have come after the other had looked
        found = {p: list(dict.fromkeys(numbers)) for p, numbers in found.items()}
    assert found == {p: list(range(1, LAST + 1)) for p in range(3)}
