"""The memory and the embedded store keep what every store promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_core.api.store import Store
from connectors_core.stores.embedded import EmbeddedStore
from connectors_core.stores.memory import MemoryStore
from tests.contract.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    """In memory."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore()
        yield store
        store.close()


class TestEmbeddedStore(StoreContract):
    """In one SQLite file."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = EmbeddedStore(tmp_path / "data" / "log.db")
        yield store
        store.close()
