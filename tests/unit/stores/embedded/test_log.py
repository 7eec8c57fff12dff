"""A commit is whole or not there: killed at any point, on a full disk, on a broken one."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from connectors_core.api.errors import StoreError, StoreFull
from connectors_core.api.store import Row, SchemaRow, Transaction
from connectors_core.stores.embedded import EmbeddedReader, EmbeddedStore
from tests.chaos.faulty_disk import FaultyConnection, FaultyDisk

POINTS = ["begin", "write", "offset", "commit", "committed"]
KILLED = """
import os, signal, sys
from pathlib import Path
from connectors_core.api.store import Transaction
from connectors_core.stores.embedded import EmbeddedStore
wanted, seen = sys.argv[2], 0

def crash(point):
    global seen
    seen += point == wanted
    if seen == 3:
        os.kill(os.getpid(), signal.SIGKILL)

slot = EmbeddedStore(Path(sys.argv[1]), crash=crash).acquire("embedded")
for number in range(1, 6):
    slot.commit(
        Transaction(
            rows={("t", 0): [(None, b"%d" % number, number, ())]},
            offsets={("c", "{}"): f'{{"n":{number}}}'},
            state={("c", "{}"): {"n": str(number)}},
        )
    )
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "log.db"


def transaction(number: int, size: int = 1) -> Transaction:
    return Transaction(
        rows={("t", 0): [(b"%d" % number, b"x" * size, number, ())]},
        offsets={("c", "{}"): f'{{"n":{number}}}'},
        state={("c", "{}"): {"n": str(number)}},
    )


def committed(path: Path) -> list[int]:
    """Return the numbers that are stored, after a look that all parts agree."""
    reader = EmbeddedReader(path)
    numbers = [record.timestamp for record in reader.read("t", 0, 0, 10_000)]
    assert list(reader.offsets()) == [("c", "{}", f'{{"n":{numbers[-1]}}}')]
    assert reader.check() == []
    reader.close()
    return numbers


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_a_commit_is_whole_or_not_there(path: Path, point: str) -> None:
    process = subprocess.run([sys.executable, "-c", KILLED, str(path), point], check=False)
    assert process.returncode == -signal.SIGKILL
    wanted = [1, 2, 3] if point == "committed" else [1, 2]
    # First as another process sees it, before anyone repaired anything.
    assert committed(path) == wanted
    store = EmbeddedStore(path)
    slot = store.acquire("embedded")
    assert slot.offsets("c") == {"{}": f'{{"n":{wanted[-1]}}}'}
    assert slot.state("c", "{}").get_many(["n"]) == {"n": str(wanted[-1])}
    slot.commit(transaction(9))
    store.close()
    assert committed(path) == [*wanted, 9]


def test_every_point_is_passed_once_a_commit_in_this_order(path: Path) -> None:
    points: list[str] = []
    store = EmbeddedStore(path, crash=points.append)
    slot = store.acquire("embedded")
    store.ensure_topics([])
    assert points == []
    slot.commit(transaction(1))
    slot.commit(Transaction(offsets={("c", "{}"): '{"n":2}'}))
    assert points == POINTS * 2
    store.close()


@pytest.mark.parametrize("point", POINTS[:-1])
def test_an_exception_at_any_point_rolls_back_and_the_next_commit_works(
    path: Path, point: str
) -> None:
    failing = ""

    def crash(at: str) -> None:
        if at == failing:
            raise KeyboardInterrupt

    store = EmbeddedStore(path, crash=crash)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    failing = point
    new = Transaction(rows={("other", 3): [(None, b"", 1, ())], **transaction(2).rows})
    with pytest.raises(KeyboardInterrupt):
        slot.commit(new)
    failing = ""
    slot.commit(transaction(3))
    assert committed(path) == [1, 3]
    slot.commit(Transaction(rows=new.rows))
    reader = store.reader()
    assert reader.bounds("other")[3] == (0, 1)
    assert [r.offset for r in reader.read("t", 0, 0)] == [0, 1, 2]
    reader.close()
    store.close()


@pytest.mark.parametrize(
    "bad",
    [
        Transaction(rows={("t", 0): [(None, b"", 2**63, ())]}),
        Transaction(rows={("t", 0): [(None, "text", 0, ())]}),  # type: ignore[list-item]
        Transaction(state={("c", "{}"): {"\ud800": "1"}}),
        Transaction(offsets={("c", "{}"): "\ud800"}),
    ],
)
def test_what_can_not_be_stored_is_refused_whole(path: Path, bad: Transaction) -> None:
    store = EmbeddedStore(path)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    bad.rows = {("new", 0): [(None, b"", 0, ())], **bad.rows}
    with pytest.raises(StoreError) as caught:
        slot.commit(bad)
    assert caught.value.code == "store.row"
    slot.commit(transaction(2))
    assert committed(path) == [1, 2]
    store.close()


def test_another_schema_of_the_same_version_is_refused(path: Path) -> None:
    store = EmbeddedStore(path)
    slot = store.acquire("embedded")
    slot.commit(Transaction(schemas=[SchemaRow("s", 1, 5, '"int"')]))
    with pytest.raises(StoreError) as caught:
        slot.commit(Transaction(schemas=[SchemaRow("s", 1, 6, '"long"')]))
    assert caught.value.code == "store.schema"
    assert store.schemas() == [SchemaRow("s", 1, 5, '"int"')]
    store.close()


# A full disk


def test_a_full_disk_stores_nothing_and_the_same_commit_works_when_there_is_room(
    path: Path,
) -> None:
    disk, full, opened = FaultyDisk(), False, 0

    def connect(name: str) -> FaultyConnection:
        nonlocal opened
        opened += 1
        return disk.connect(name)

    def before(operation: str, name: str) -> None:
        if full and operation == "write":
            raise apsw.FullError("no space left on device")

    disk.before = before
    store = EmbeddedStore(path, connect=connect)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    full = True
    for _ in range(3):
        with pytest.raises(StoreFull, match="disk is full") as caught:
            slot.commit(transaction(2, size=100_000))
        assert caught.value.code == "store.full"
        assert slot.offsets("c") == {"{}": '{"n":1}'}
    full = False
    slot.commit(transaction(2, size=100_000))
    assert opened == 1, "the same connection goes on"
    store.close()
    assert committed(path) == [1, 2]


def test_a_log_that_may_not_grow_is_full_and_takes_smaller_commits(path: Path) -> None:
    def connect(name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA max_page_count=60")
        return connection

    store = EmbeddedStore(path, connect=connect)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    with pytest.raises(StoreFull):
        slot.commit(transaction(2, size=1 << 20))
    slot.commit(transaction(3))
    store.close()
    assert committed(path) == [1, 3]


def test_a_full_disk_removes_what_is_too_old_at_once(path: Path) -> None:
    now = 1_000_000.0

    def connect(name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA max_page_count=60")
        return connection

    store = EmbeddedStore(path, connect=connect, clock=lambda: now, retention_ms=10_000)
    slot = store.acquire("embedded")
    slot.commit(transaction(1, size=100_000))
    now += 11
    with pytest.raises(StoreFull):
        slot.commit(transaction(2, size=150_000))
    slot.commit(transaction(2, size=150_000))
    store.close()
    assert committed(path) == [2]


# A broken disk


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    disk = FaultyDisk()
    yield disk
    disk.before = lambda operation, path: None


@pytest.mark.parametrize("operation", ["sync", "write"])
def test_after_an_error_of_the_disk_the_file_is_opened_anew(
    path: Path, disk: FaultyDisk, operation: str
) -> None:
    """Whether the failed commit is there then is open, as it is after a kill; half of it is not."""
    opened = 0

    def connect(name: str) -> FaultyConnection:
        nonlocal opened
        opened += 1
        return disk.connect(name)

    def before(done: str, name: str) -> None:
        if done == operation and name.endswith("-wal"):
            raise apsw.IOError("input/output error")

    store = EmbeddedStore(path, connect=connect)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    disk.before = before
    with pytest.raises(StoreError) as caught:
        slot.commit(transaction(2))
    assert caught.value.code == "store.io"
    assert not isinstance(caught.value, StoreFull)
    disk.before = lambda operation, path: None
    before_it = [1, 2] if slot.offsets("c") == {"{}": '{"n":2}'} else [1]
    assert opened == 2
    slot.commit(transaction(3))
    store.close()
    assert committed(path) == [*before_it, 3]


def test_while_the_disk_stays_broken_every_try_is_an_error(path: Path, disk: FaultyDisk) -> None:
    def before(operation: str, path: str) -> None:
        raise apsw.IOError("input/output error")

    store = EmbeddedStore(path, connect=disk.connect)
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    disk.before = before
    for _ in range(3):
        with pytest.raises(StoreError):
            slot.commit(transaction(2))
    store.close()
    disk.before = lambda operation, path: None
    again = EmbeddedStore(path)
    assert again.acquire("embedded").offsets("c") == {"{}": '{"n":1}'}
    again.close()
    assert committed(path) == [1]


def test_another_program_that_locks_the_file_is_named_as_the_cause(path: Path) -> None:
    class Hasty(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            sql = "PRAGMA busy_timeout=1" if "busy_timeout" in sql else sql
            return super().execute(sql, parameters)  # type: ignore[arg-type]

    store = EmbeddedStore(
        path,
        connect=lambda name: sqlite3.connect(
            name, isolation_level=None, check_same_thread=False, factory=Hasty
        ),
    )
    slot = store.acquire("embedded")
    slot.commit(transaction(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        slot.commit(transaction(2))
    assert caught.value.code == "store.busy"
    other.execute("ROLLBACK")
    other.close()
    slot.commit(transaction(2))
    store.close()
    assert committed(path) == [1, 2]


def test_writes_beside_a_busy_thread_in_few_statements(path: Path) -> None:
    """Each statement gives up the GIL, so their number must not grow with that of the records."""
    statements: list[str] = []

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            statements.append(sql)
            return super().execute(sql, parameters)  # type: ignore[arg-type]

        def executemany(self, sql: str, parameters: object, /) -> sqlite3.Cursor:
            raise AssertionError("executemany gives up the GIL at every row")

    store = EmbeddedStore(
        path,
        connect=lambda name: sqlite3.connect(
            name, isolation_level=None, check_same_thread=False, factory=Counted
        ),
    )
    slot = store.acquire("embedded")
    rows: list[Row] = [(b"k", b"v" * 100, n, ()) for n in range(1000)]
    slot.commit(Transaction(rows={("t", 0): rows}, offsets={("c", "{}"): '{"n":0}'}))
    slot.commit(Transaction(offsets={("c", "{}"): '{"n":0}'}))
    statements.clear()
    slot.commit(Transaction(rows={("t", 0): rows}, offsets={("c", "{}"): '{"n":1}'}))
    assert len(statements) == 4, statements
    statements.clear()
    many = {("t", number): rows[:2] for number in range(500)}
    slot.commit(Transaction(rows=many, offsets={("c", str(n)): "{}" for n in range(500)}))
    assert len(statements) < 50, len(statements)
    store.close()
