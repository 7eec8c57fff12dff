"""Records that a real broker would refuse: each a dead letter, before anything is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Config, Record, Source
from connectors_core.api.errors import DataError
from connectors_core.api.store import TopicLimits, TopicSpec, Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore
from connectors_core.stores.kafka.limits import CLOCK_MS
from tests.kafka import topic
from tests.unit.runtime.conftest import Lab

MINUTE, DAY = 60_000, 86_400_000
SETTINGS = {"message.timestamp.before.max.ms": str(DAY)}


@pytest.fixture
def store(kafka: str, tmp_path: Path) -> Iterator[KafkaStore]:
    store = KafkaStore(KafkaSettings({"bootstrap.servers": kafka}), tmp_path)
    yield store
    store.close()


class Stamped(Source[Config]):
    """Numbers of these hours; every fifth one is of next week, every seventh of last week."""

    name = "stamped"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        now = int(time.time() * 1000)
        for n in range(offset["n"] + 1 if offset else 1, 36):
            odd = 7 * DAY if n % 5 == 0 else -7 * DAY if n % 7 == 0 else 0
            yield Record(n, offset={"n": n}, timestamp=now + odd)


class Bare(Source[Config]):
    """Numbers with nothing else."""

    name = "bare"

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        for n in range(offset["n"] + 1 if offset else 1, 36):
            yield Record(n, offset={"n": n})


GOOD = [n for n in range(1, 36) if n % 5 and n % 7]
BAD = [n for n in range(1, 36) if n not in GOOD]


async def run(
    store: KafkaStore, settings: dict[str, str], source: type[Source[Config]] = Stamped
) -> tuple[str, list[Any], list[Any]]:
    """Run the source into a topic of these settings: its state, and what was written where."""
    lab, name = Lab(), topic.unique("c")
    lab.store = store
    await asyncio.to_thread(store.ensure_topics, [TopicSpec(name, 1, settings=settings)])
    status = await lab.run(lab.spec(source, name, errors_tolerance="all"))
    values = await asyncio.to_thread(lab.values, name)
    return status.state, values, await asyncio.to_thread(lab.values, f"{name}-dlq")


async def test_a_record_of_a_time_that_its_topic_refuses_is_a_dead_letter(
    store: KafkaStore,
) -> None:
    assert await run(store, SETTINGS) == ("COMPLETED", GOOD, BAD)


async def test_where_the_brokers_stamp_no_record_is_refused(store: KafkaStore) -> None:
    settings = SETTINGS | {"message.timestamp.type": "LogAppendTime"}
    assert await run(store, settings) == ("COMPLETED", list(range(1, 36)), [])


async def test_a_record_without_a_key_is_a_dead_letter_of_a_compacted_topic(
    store: KafkaStore,
) -> None:
    assert await run(store, {"cleanup.policy": "compact"}, Bare) == (
        "COMPLETED",
        [],
        list(range(1, 36)),
    )


@pytest.mark.parametrize("way", [-1, 1], ids=["old", "early"])
def test_the_broker_refuses_what_we_would_not_have_written(store: KafkaStore, way: int) -> None:
    """The control: its limit is where we think it is, and its clock is the one of this machine."""
    name = topic.unique("c")
    store.ensure_topics([TopicSpec(name, 1, settings=SETTINGS)])
    limits, now = store.limits(name), int(time.time() * 1000)
    assert limits == TopicLimits(
        limits.record_bytes, True, 1, DAY - CLOCK_MS, 60 * MINUTE - CLOCK_MS
    )
    limit = limits.ahead_ms if way > 0 else limits.behind_ms
    slot = store.acquire(store.slot_name(name))
    stamp = now + way * (int(limit or 0) + CLOCK_MS + MINUTE)
    refused = Transaction(rows={(name, 0): [(None, b"x", stamp, ())]})
    with pytest.raises(DataError, match="too far from the broker's clock"):
        slot.commit(refused)
    slot.release()
