"""Statements that must not slow down as a log grows find their rows through an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors_core.api.store import Transaction
from connectors_core.stores.embedded import EmbeddedStore
from connectors_core.stores.embedded.bulk import portions, spread
from connectors_core.stores.embedded.connection import connect, connect_readonly
from connectors_core.stores.embedded.positions import forget, keep
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.embedded.reader import _BATCHES
from connectors_core.stores.embedded.retention import _EXPIRED
from connectors_core.stores.embedded.state import EmbeddedState


class Planned:
    """Collects how SQLite would run what goes through it, and runs it."""

    def __init__(self, path: Path) -> None:
        self.inner = connect(str(path))
        self.plans: list[str] = []

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        for *_, detail in self.inner.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall():
            self.plans.append(detail)
        return self.inner.execute(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "log.db"
    store = EmbeddedStore(path)
    store.acquire("embedded").commit(
        Transaction(
            rows={("t", 0): [(None, b"x", 1, ())]}, state={("c", "{}"): {"a": "1", "b": "2"}}
        )
    )
    store.close()
    return path


@contextmanager
def planned(path: Path) -> Iterator[Planned]:
    connection = Planned(path)
    with closing(connection.inner):
        yield connection


def scans(plans: list[str], table: str) -> list[str]:
    return [plan for plan in plans if plan.startswith(f"SCAN {table}") or "TEMP B-TREE" in plan]


@pytest.mark.parametrize(("prefix", "after"), [("", ""), ("a", ""), ("a", "ab"), ("", "a")])
def test_state_is_scanned_through_its_key(path: Path, prefix: str, after: str) -> None:
    with planned(path) as connection:
        state = EmbeddedState(ReadSide(path, lambda name: connection), "c", "{}")
        state.scan(prefix, after, 10)
        state.get_many(["a", "b", "c"])
    assert not scans(connection.plans, "state")
    assert not [plan for plan in connection.plans if "state" in plan and "key" not in plan]
    ranged = [plan for plan in connection.plans if "owner=? AND key>?" in plan]
    assert len(ranged) == 1


def test_batches_are_found_through_their_base(path: Path) -> None:
    with planned(path) as connection:
        connection.execute(_BATCHES, (1, 0)).fetchall()
    assert not scans(connection.plans, "batch")


def test_retention_looks_at_the_first_batch_of_a_partition_only(path: Path) -> None:
    with planned(path) as connection:
        connection.execute(_EXPIRED, (1, 1, 1, 1))
    assert not scans(connection.plans, "batch")


def test_state_is_written_and_removed_through_its_key(path: Path) -> None:
    with planned(path) as connection:
        keep(connection, {("c", "{}"): {"a": None, "b": None, "d": "4"}})
        assert not [plan for plan in connection.plans if "state" in plan and "key=?" not in plan]
        forget(connection, "c", None)
    assert not scans(connection.plans, "state")


def test_many_rows_need_few_statements_and_all_are_written(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "x.db"))
    connection.execute("CREATE TABLE t (a, b)")
    for count in (0, 1, 2, 127, 128, 129, 1000):
        rows = [(count, number) for number in range(count)]
        assert [row for some in portions(rows) for row in some] == rows
        assert len(list(portions(rows))) <= count // 128 + 7
        spread(connection, "INSERT INTO t (a, b) VALUES {rows}", rows)
        found = connection.execute("SELECT a, b FROM t WHERE a = ? ORDER BY b", (count,)).fetchall()
        assert found == rows
    connection.close()


def test_a_read_only_connection_needs_the_file(tmp_path: Path) -> None:
    side = ReadSide(tmp_path / "no?thing%.db", connect_readonly)
    with pytest.raises(Exception, match="unable to open"):
        side.rows("SELECT 1")
    assert not list(tmp_path.iterdir())
