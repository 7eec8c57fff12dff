"""Opens the log of a data directory: as its owner, or to read beside the owner."""

from __future__ import annotations

from pathlib import Path

from connectors_core.api.store import LogReader, Store
from connectors_core.runtime import crash
from connectors_core.stores.embedded import FILE_NAME, EmbeddedReader, EmbeddedStore


def open_store(data_dir: Path) -> Store:
    """Become the owner of a data directory's log, making it if it is missing.

    Raises StoreError, with the code `store.locked` and the other process's id while a run lives.
    """
    return EmbeddedStore(data_dir / FILE_NAME, crash=crash.reach)


def open_reader(data_dir: Path) -> LogReader:
    """Read what is committed, also while a run writes. ConfigError if nothing was written yet."""
    return EmbeddedReader(data_dir / FILE_NAME)


def check_store(data_dir: Path) -> list[str]:
    """Read the whole log; return what is wrong with it, a line each."""
    reader = EmbeddedReader(data_dir / FILE_NAME)
    try:
        return reader.check()
    finally:
        reader.close()
