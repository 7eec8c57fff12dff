"""A log as a run leaves it, and a way to call `pyconnect` on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result
from fastavro import schemaless_writer

from connectors_core.api.store import Row, SchemaRow, TopicSpec, Transaction
from connectors_core.cli.group import pyconnect
from connectors_core.stores.embedded import FILE_NAME, EmbeddedStore

Cli: TypeAlias = Callable[..., Result]

FIRST = {
    "type": "record",
    "name": "Price",
    "fields": [
        {"name": "symbol", "type": "string"},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 8},
        },
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
SECOND = {
    **FIRST,
    "fields": [
        *FIRST["fields"],
        {"name": "exact", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": None},
        {"name": "raw", "type": ["null", "bytes"], "default": None},
    ],
}  # fmt: skip


def framed(schema_id: int, schema: dict[str, Any], value: dict[str, Any]) -> bytes:
    """Return a value in Confluent's wire format."""
    body = BytesIO()
    schemaless_writer(body, schema, value)
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


class Log:
    """Writes into the log of one data directory, each time as its owner."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.path = data_dir / FILE_NAME

    def open(self) -> EmbeddedStore:
        """Own the log until it is closed."""
        return EmbeddedStore(self.path)

    def write(
        self, topic: str, rows: Sequence[Row], partition: int = 0, partitions: int = 1
    ) -> None:
        """Append rows to a partition."""
        store = self.open()
        store.ensure_topics([TopicSpec(topic, partitions)])
        self._commit(store, Transaction(rows={(topic, partition): list(rows)}))

    def texts(self, topic: str, *texts: str) -> None:
        """Append JSON texts, one second apart."""
        self.write(
            topic, [(None, json.dumps(t).encode(), 1000 * i, ()) for i, t in enumerate(texts)]
        )

    def schemas(self, *rows: SchemaRow) -> None:
        """Register schemas."""
        self._commit(self.open(), Transaction(schemas=list(rows)))

    def offset(self, connector: str, partition: str, offset: str) -> None:
        """Commit one offset, with keyed state beside it."""
        key = (connector, partition)
        self._commit(self.open(), Transaction(offsets={key: offset}, state={key: {"seen": "1"}}))

    def _commit(self, store: EmbeddedStore, transaction: Transaction) -> None:
        store.acquire(store.slot_name("test")).commit(transaction)
        store.close()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    return Log(tmp_path / "data")


@pytest.fixture
def cli(log: Log) -> Cli:
    """Call `pyconnect` with `--data-dir` of the log at the end."""

    def call(*args: str, input: str | None = None) -> Result:  # noqa: A002 - CliRunner's word
        words = [*args, "--data-dir", str(log.data_dir)]
        return CliRunner().invoke(pyconnect, words, input=input, catch_exceptions=False)

    return call


@pytest.fixture
def prices(log: Log) -> Log:
    """A topic `prices` in two versions of its schema, with a tombstone."""
    from datetime import datetime
    from decimal import Decimal

    at = datetime(2026, 11, 23, 6, 30, 0, 120_000, tzinfo=UTC)
    old = {"symbol": "005930", "price": Decimal("0.00000001"), "at": at}
    new = {**old, "symbol": "KRW-BTC", "exact": at.replace(microsecond=123_456), "raw": b"\xff\x00"}
    log.schemas(
        SchemaRow("prices-value", 1, 7, json.dumps(FIRST)),
        SchemaRow("prices-value", 2, 8, json.dumps(SECOND)),
    )
    rows: list[Row] = [
        (
            b"005930",
            framed(7, FIRST, old),
            1_700_000_000_123,
            (("event_id", b"e1"), ("bin", b"\xff")),
        ),
        (b"KRW-BTC", framed(8, SECOND, new), 1_700_000_001_000, ()),
        (b"005930", None, 1_700_000_002_000, ()),
    ]
    log.write("prices", rows)
    return log
