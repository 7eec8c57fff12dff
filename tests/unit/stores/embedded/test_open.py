"""Which files and directories a log is opened in, and how they look afterwards."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from connectors_core.api.errors import ConfigError, StoreError
from connectors_core.api.store import Row, Transaction
from connectors_core.stores.embedded import EmbeddedReader, EmbeddedStore
from connectors_core.stores.embedded.connection import connect

HOLD = """
import sys
from pathlib import Path
from connectors_core.stores.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "log.db"


def write(path: Path, values: int = 1) -> None:
    store = EmbeddedStore(path)
    rows: list[Row] = [(None, b"x" * 100, 1, ()) for _ in range(values)]
    store.acquire("embedded").commit(Transaction(rows={("t", 0): rows}))
    store.close()


def refused(path: Path, code: str) -> StoreError:
    before = {file: file.read_bytes() for file in path.parent.glob("log.db*") if file.is_file()}
    with pytest.raises(StoreError) as caught:
        EmbeddedStore(path)
    assert caught.value.code == code
    assert caught.value.exit_code == 3
    for file, content in before.items():
        if not file.name.endswith((".lock", "-shm")):
            assert file.read_bytes() == content, f"{file} was changed"
    return caught.value


# Rights


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_only_the_owner_can_read_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = EmbeddedStore(path)
        store.acquire("embedded").commit(Transaction(offsets={("c", "{}"): "{}"}))
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert files == dict.fromkeys(["log.db", "log.db-wal", "log.db-shm", "log.db.lock"], 0o600)
    store.close()


def test_takes_away_rights_that_others_were_given_on_the_file(path: Path) -> None:
    write(path)
    path.chmod(0o644)
    EmbeddedStore(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_makes_the_directories_above(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "log.db")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_refuses_a_linked_directory(tmp_path: Path, path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    path.parent.symlink_to(tmp_path / "real")
    assert "symbolic link" in str(refused(path, "store.directory"))
    assert not list((tmp_path / "real").iterdir())


def test_refuses_a_directory_that_everyone_may_write_to(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    assert "chmod 700" in str(refused(path, "store.directory"))


def test_refuses_a_directory_or_file_of_another_user(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "belongs to user" in str(refused(path, "store.directory"))


def test_refuses_a_directory_that_is_a_file(path: Path) -> None:
    path.parent.write_text("")
    assert "not a directory" in str(refused(path, "store.directory"))
    with pytest.raises(StoreError):
        EmbeddedStore(path.parent / "below" / "log.db")


@pytest.mark.parametrize("name", ["log.db", "log.db-wal", "log.db.lock"])
def test_follows_no_link_in_place_of_a_file(tmp_path: Path, path: Path, name: str) -> None:
    path.parent.mkdir(mode=0o700)
    (tmp_path / "target").write_text("precious")
    (path.parent / name).symlink_to(tmp_path / "target")
    with pytest.raises(StoreError):
        EmbeddedStore(path)
    assert (tmp_path / "target").read_text() == "precious"


# Owner


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the log open."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_second_owner_is_told_who_the_first_is(path: Path) -> None:
    with holder(path) as process:
        error = refused(path, "store.locked")
        assert f"process {process.pid} (-c {path})" in str(error)
        assert re.search(r"started at \d{4}-\d\d-\d\dT", str(error))


def test_a_killed_owner_leaves_no_lock(path: Path) -> None:
    with holder(path) as process:
        process.kill()
        process.wait()
        EmbeddedStore(path).close()


def test_the_same_process_can_not_open_a_log_twice(path: Path) -> None:
    store = EmbeddedStore(path)
    assert f"process {os.getpid()} " in str(refused(path, "store.locked"))
    store.close()
    EmbeddedStore(path).close()


def test_a_store_that_could_not_be_opened_leaves_no_lock(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"not a database, but long enough to be looked at" * 10)
    for _ in range(2):
        refused(path, "store.foreign")


# Whose file


def test_refuses_the_database_of_another_program(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE precious (x)")
    refused(path, "store.foreign")
    with pytest.raises(StoreError) as caught:
        EmbeddedReader(path)
    assert caught.value.code == "store.foreign"


def test_refuses_a_log_of_a_newer_version(path: Path) -> None:
    write(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=2")
    assert "Upgrade pyconnect" in str(refused(path, "store.newer"))
    with pytest.raises(StoreError) as caught:
        EmbeddedReader(path)
    assert caught.value.code == "store.newer"


def test_looks_for_damage_after_an_unclean_stop_and_never_writes_over_it(path: Path) -> None:
    with holder(path) as process:
        process.kill()
    write_unclean(path)
    damage(path)
    assert "damaged" in str(refused(path, "store.corrupt"))


def write_unclean(path: Path) -> None:
    write(path, 5000)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = 0")
        connection.commit()


def damage(path: Path) -> None:
    """Overwrite the first page of the table of batches."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'batch'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)


def test_a_clean_stop_is_marked_and_an_open_log_is_not(path: Path) -> None:
    def mark() -> object:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT value FROM meta WHERE name = 'clean'").fetchone()

    store = EmbeddedStore(path)
    assert mark() == (0,)
    store.close()
    assert mark() == (1,)


def test_an_empty_file_becomes_a_log(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch()
    write(path)
    reader = EmbeddedReader(path)
    assert reader.bounds("t") == {0: (0, 1)}
    reader.close()


# Settings


def test_durable_settings_are_in_force(path: Path) -> None:
    seen: dict[str, object] = {}

    class Spy(sqlite3.Connection):
        def close(self) -> None:
            for name in ("journal_mode", "synchronous", "auto_vacuum", "page_size", "encoding"):
                (seen[name],) = self.execute(f"PRAGMA {name}").fetchone()
            super().close()

    def spying(name: str) -> sqlite3.Connection:
        return sqlite3.connect(name, isolation_level=None, check_same_thread=False, factory=Spy)

    EmbeddedStore(path, connect=spying).close()
    assert seen == {
        "journal_mode": "wal",
        "synchronous": 2,
        "auto_vacuum": 2,
        "page_size": 4096,
        "encoding": "UTF-8",
    }


@pytest.mark.parametrize("name", ["synchronous", "journal_mode", "auto_vacuum"])
def test_a_setting_that_is_not_in_force_is_an_error(path: Path, name: str) -> None:
    class Deaf(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            if sql.startswith(f"PRAGMA {name}="):
                sql = "SELECT 1"
            return super().execute(sql, parameters)  # type: ignore[arg-type]

    def deaf(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Deaf
        )
        if name == "synchronous":
            sqlite3.Connection.execute(connection, "PRAGMA synchronous=NORMAL")
        return connection

    with pytest.raises(StoreError, match=name) as caught:
        EmbeddedStore(path, connect=deaf)
    assert caught.value.code == "store.settings"


# Nothing there


@pytest.mark.parametrize("left", ["nothing", "directory", "empty", "journal"])
def test_reading_a_log_that_is_not_there_says_how_to_begin(path: Path, left: str) -> None:
    if left != "nothing":
        path.parent.mkdir(mode=0o700)
    if left in ("empty", "journal"):
        path.touch()
    if left == "journal":
        path.write_bytes(b"half a page")
        path.with_name("log.db-journal").write_bytes(b"x")
    with pytest.raises(ConfigError, match="start with `pyconnect run`") as caught:
        EmbeddedReader(path)
    assert str(path) in str(caught.value)
    assert not path.parent.exists() or left != "nothing"


def test_the_default_connection_is_in_autocommit_mode(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "x.db"))
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (1)")
    assert not connection.in_transaction
    connection.close()
