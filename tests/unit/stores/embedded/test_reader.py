"""A log is read while another process writes it, after that one was killed, and when none runs."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.api.store import Row, Transaction
from connectors_core.stores.embedded import EmbeddedReader, EmbeddedStore

WRITER = """
import sys
from pathlib import Path
from connectors_core.api.store import Transaction
from connectors_core.stores.embedded import EmbeddedStore
slot = EmbeddedStore(Path(sys.argv[1])).acquire("embedded")
for line in sys.stdin:
    rows = [(b"k", line.encode() * 100, 1, ()) for _ in range(int(line))]
    slot.commit(Transaction(rows={("t", 0): rows}, offsets={("c", "{}"): line.strip()}))
    print("committed", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "log.db"


def test_reads_beside_a_writer_and_after_it_was_killed(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout

        def commit(count: int) -> None:
            assert process.stdin and process.stdout
            process.stdin.write(f"{count}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "committed\n"

        commit(5)
        reader = EmbeddedReader(path)
        assert reader.bounds("t") == {0: (0, 5)}
        commit(2000)
        assert len(reader.read("t", 0, 0, 5000)) == 2005
        reader.close()
        commit(1)
        process.kill()
    wal = path.with_name("log.db-wal").read_bytes()
    assert wal
    for _ in range(2):
        reader = EmbeddedReader(path)
        assert reader.bounds("t") == {0: (0, 2006)}
        assert list(reader.offsets()) == [("c", "{}", "1")]
        reader.close()
    assert path.with_name("log.db-wal").read_bytes() == wal
    EmbeddedStore(path).close()
    reader = EmbeddedReader(path)
    assert reader.bounds("t") == {0: (0, 2006)}
    reader.close()


@pytest.fixture
def written(path: Path) -> Path:
    store = EmbeddedStore(path)
    slot = store.acquire("embedded")
    for first in range(0, 30, 10):
        rows: list[Row] = [
            (b"k", b"%d" % number, number, ()) for number in range(first, first + 10)
        ]
        slot.commit(Transaction(rows={("t", 0): rows}, offsets={("c", "{}"): f'{{"n":{first}}}'}))
    store.close()
    return path


def test_a_reader_can_not_write(written: Path) -> None:
    reader = EmbeddedReader(written)
    before = written.read_bytes()
    with pytest.raises(StoreError):
        reader._side.rows("DELETE FROM batch")
    reader.close()
    assert written.read_bytes() == before


def test_a_reader_keeps_no_transaction_open(written: Path) -> None:
    reader = EmbeddedReader(written)
    reader.read("t", 0, 0, 1)
    next(iter(reader.offsets()))
    reader.topics()
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("UPDATE meta SET value = 1")
        connection.commit()
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    reader.close()


def test_a_closed_reader_says_so(written: Path) -> None:
    reader = EmbeddedReader(written)
    reader.close()
    reader.close()
    with pytest.raises(StoreError, match="closed"):
        reader.topics()


def test_a_damaged_batch_is_an_error_that_names_it_and_the_others_can_be_read(
    written: Path,
) -> None:
    alter(written, "UPDATE batch SET data = CAST(data || x'00' AS BLOB) WHERE base = 10")
    reader = EmbeddedReader(written)
    assert len(reader.read("t", 0, 0, 10)) == 10
    with pytest.raises(StoreError, match="from offset 10 to 19") as caught:
        reader.read("t", 0, 0, 11)
    assert caught.value.code == "store.corrupt"
    assert [record.timestamp for record in reader.read("t", 0, 20)] == list(range(20, 30))
    reader.close()


# check


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def check(path: Path) -> list[str]:
    reader = EmbeddedReader(path)
    try:
        return reader.check()
    finally:
        reader.close()


def test_check_finds_nothing_in_a_sound_log(written: Path) -> None:
    assert check(written) == []


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["UPDATE batch SET data = zeroblob(size) WHERE base = 10"], "offsets 10 to 19: the check"),
        (["UPDATE batch SET count = 9 WHERE base = 10"], "checksum is wrong"),
        (["UPDATE batch SET size = 1 WHERE base = 10"], "checksum is wrong"),
        (["UPDATE batch SET base = 11 WHERE base = 10"], "offset 10 to 10 are missing"),
        (["DROP TRIGGER expired", "DELETE FROM batch WHERE base = 10"], "offset 10 to 19 are mis"),
        (["DROP TRIGGER expired", "DELETE FROM batch WHERE base = 0"], "offset 0 to 9 are missing"),
        (["DROP TRIGGER expired", "DELETE FROM batch WHERE base = 20"], "20 to 29 are missing"),
        (["DROP TRIGGER expired", "DELETE FROM batch"], "offset 0 to 29 are missing"),
        (["UPDATE log SET next = 29"], "the records end at 30, not at 29"),
        (["UPDATE log SET next = 31"], "offset 30 to 30 are missing"),
        (["UPDATE log SET topic = 9"], "of no topic"),
        (["UPDATE topic SET partitions = 0"], "of no topic"),
        (["UPDATE batch SET log = 9 WHERE base = 20"], "1 batches of no partition"),
        (["INSERT INTO state VALUES (9, 'a', '1')"], "1 rows of state that have no owner"),
        (["UPDATE owner SET offset = '{\"n\": 1}'"], "not canonical"),
        (["UPDATE owner SET offset = '[1]'"], "flat map"),
        (["UPDATE owner SET partition = 'x'"], "connector c: partition 'x'"),
        (["PRAGMA writable_schema=1", "DELETE FROM sqlite_master WHERE name = 'state'"], "file: "),
    ],
)
def test_check_names_what_is_wrong(written: Path, statements: list[str], problem: str) -> None:
    alter(written, *statements)
    found = check(written)
    assert any(problem in line for line in found), found


def test_check_tells_of_pages_that_are_damaged(written: Path) -> None:
    with closing(sqlite3.connect(written)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'batch'"
        ).fetchone()
    with written.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    assert check(written)
