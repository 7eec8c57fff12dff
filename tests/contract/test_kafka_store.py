"""The Kafka store keeps what every store promises, on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.store import Slot, Store, Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore
from tests.contract.store_contract import StoreContract, everything, numbered

pytestmark = pytest.mark.slow


class TestKafkaStore(StoreContract):
    """In transactions of Kafka. Its offsets have gaps, where it keeps marks of its own."""

    dense = False
    last_ms = 1_700_000_000_000  # brokers refuse what is ahead of their clocks

    @pytest.fixture
    def store(self, kafka: str, tmp_path: Path) -> Iterator[Store]:
        store = KafkaStore(KafkaSettings({"bootstrap.servers": kafka}), tmp_path)
        yield store
        store.close()

    def test_lists_topics_by_name_with_their_sizes(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        """As elsewhere, but Kafka counts its own marks as well, and tells no bytes."""
        for suffix in ("b", "a", "c"):
            slot.commit(Transaction(rows={(f"{name}.{suffix}", 0): numbered(0, 4)}))
        reader = store.reader()
        found = [topic for topic in reader.topics() if topic.name.startswith(name)]
        assert [topic.name[-1] for topic in found] == ["a", "b", "c"]
        assert all(topic.partitions == 1 and topic.records in (4, 5) for topic in found)
        assert {topic.bytes for topic in found} == {None}
        reader.close()

    def test_a_reader_never_sees_half_a_commit(self, store: Store, slot: Slot, name: str) -> None:
        """As Kafka means it: of one partition. Others may show the same commit a moment later."""
        done = threading.Event()
        slot.commit(Transaction(rows={(name, 0): numbered(0, 7)}))

        def write() -> None:
            for first in range(7, 210, 7):
                slot.commit(Transaction(rows={(name, 0): numbered(first, first + 7)}))
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        counts = []
        while not done.is_set():
            counts.append(len(everything(store, name)))
        thread.join()
        assert {count % 7 for count in counts} == {0}
        assert len(set(counts)) > 1
        assert len(everything(store, name)) == 210
