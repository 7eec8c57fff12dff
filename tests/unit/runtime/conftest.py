"""A small worker to run sources in: the real runtime and herder on the memory store."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.converter import Converter
from connectors_core.api.errors import DataError
from connectors_core.api.record import Record
from connectors_core.api.source import Source
from connectors_core.api.store import SchemaRow, TopicSpec
from connectors_core.api.transform import Transform
from connectors_core.herder.model import ConnectorStatus
from connectors_core.herder.standalone import Standalone
from connectors_core.runtime.chain import Step
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.stores.memory import MemoryStore

SECONDS = 100.0


class JsonOnly(Converter):
    """JSON bytes; text that says so waits for samples, to drive inference without Avro."""

    name = "json-only"

    def __init__(self, infers: bool = False) -> None:
        self.infers = infers
        self.learned: list[Any] = []

    def wants_samples(self, topic: str, schema: object) -> bool:
        return self.infers and not self.learned

    def learn(self, topic: str, samples: Sequence[Any]) -> None:
        self.learned = list(samples)

    def encode(self, topic: str, schema: object, value: Any) -> bytes:
        try:
            return json.dumps(value).encode()
        except TypeError as error:
            raise DataError(f"not JSON: {error}") from error


class NoSchemas:
    """A registry with nothing in it."""

    def pending(self) -> list[SchemaRow]:
        return []

    def durable(self, rows: list[SchemaRow]) -> None:
        return None


class Lab:
    """Runs sources to their end and reads back what was stored."""

    def __init__(self) -> None:
        self.store: Any = MemoryStore()
        self.converter = JsonOnly()
        self.herder: Standalone

    def spec(
        self,
        source: type[Source[Any]],
        name: str = "c",
        steps: Sequence[Step] = (),
        **options: Any,
    ) -> ConnectorSpec:
        given = {"restart.delay.ms": 1, "restart.delay.max.ms": 5, "restart.max": 3}
        given |= {key.replace("_", "."): value for key, value in options.items()}
        parsed = ConnectorOptions(**{"name": name, "connector.class": "test", **given})
        topics: dict[str | None, TopicSpec] = {None: TopicSpec(name)}
        topics |= {topic: TopicSpec(f"{name}.{topic}") for topic in source.topics}
        return ConnectorSpec(
            parsed,
            "test",
            source,
            Config,
            lambda: (JsonOnly(), self.converter),
            topics,
            TopicSpec(f"{name}-dlq"),
            steps,
        )

    async def start(self, *specs: ConnectorSpec, max_records: int | None = None) -> Standalone:
        self.herder = Standalone(specs, self.store, NoSchemas(), max_records)
        await self.herder.start()
        return self.herder

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not true():
                await asyncio.sleep(0.005)

    async def run(self, *specs: ConnectorSpec, max_records: int | None = None) -> ConnectorStatus:
        """Run until all have ended; return the status of the first."""
        herder = await self.start(*specs, max_records=max_records)
        try:
            await self.until(lambda: herder.ended() or herder.spent.is_set())
        finally:
            await herder.stop()
        return herder.statuses()[0]

    def values(self, topic: str = "c") -> list[Any]:
        return [None if row is None else json.loads(row) for row in self.raw(topic)]

    def raw(self, topic: str = "c") -> list[bytes | None]:
        return [record.value for record in self.records(topic)]

    def records(self, topic: str = "c") -> list[Any]:
        reader = self.store.reader()
        if topic not in {info.name for info in reader.topics()}:
            return []
        return [
            record
            for partition, (first, _) in sorted(reader.bounds(topic).items())
            for record in reader.read(topic, partition, first, 1_000_000)
        ]

    def offsets(self) -> dict[str, Any]:
        return {key: json.loads(value) for _, key, value in self.store.reader().offsets()}


@pytest.fixture
def lab() -> Lab:
    return Lab()


class Gate(Transform[Config]):
    """Holds the thread of whoever brings 2 until it is opened; once."""

    name = "gate"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.reached, self.opened = threading.Event(), threading.Event()

    def apply(self, record: Record) -> Record:
        if record.value in (2, {"n": 2}) and not self.opened.is_set():
            self.reached.set()
            assert self.opened.wait(60)
        return record


@pytest.fixture
def gate() -> Iterator[Gate]:
    found = Gate(Config())
    yield found
    found.opened.set()
