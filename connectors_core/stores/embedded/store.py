"""EmbeddedStore: the durable log of a machine with nothing but Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from connectors_core.api.errors import StoreError
from connectors_core.api.store import CommitPace, SchemaRow, TopicLimits, TopicSpec
from connectors_core.stores.embedded import positions
from connectors_core.stores.embedded.connection import Connect, connect
from connectors_core.stores.embedded.database import Database, nothing
from connectors_core.stores.embedded.files import prepare_directory
from connectors_core.stores.embedded.lock import OwnerLock
from connectors_core.stores.embedded.log import EmbeddedLog
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.embedded.reader import SCHEMAS, EmbeddedReader
from connectors_core.stores.embedded.retention import WEEK_MS, Retention
from connectors_core.stores.embedded.slot import EmbeddedSlot
from connectors_core.stores.names import check_canonical

SLOT = "embedded"


class EmbeddedStore:
    """A log in one SQLite file, in a directory (0700) that is made if it is missing.

    `retention_ms` counts from the append, `retention_bytes` is per partition; None keeps for ever,
    a topic's `retention.ms` and `retention.bytes` go before them. `clock` is in seconds since the
    epoch. `crash` is called at `begin`, `write`, `offset`, `commit` and `committed` of every
    commit. `connect` opens the file.

    Raises StoreError: `store.locked` if another process has it, `store.directory`,
    `store.foreign`, `store.newer`, `store.corrupt`, `store.settings` or `store.io` if the file or
    its directory is not fit; nothing is overwritten then.
    """

    pace = CommitPace(linger=0.005, records=1000, bytes=1 << 20)

    def __init__(
        self,
        path: Path,
        *,
        retention_ms: int | None = WEEK_MS,
        retention_bytes: int | None = None,
        connect: Connect = connect,
        clock: Callable[[], float] = time.time,
        crash: Callable[[str], None] = nothing,
    ) -> None:
        self.path = path
        prepare_directory(path.parent)
        self._lock = OwnerLock(path)
        self._database = Database(path, connect)
        self._side = ReadSide(path, connect)
        retention = Retention(retention_ms, retention_bytes, clock)
        self._log = EmbeddedLog(self._database, retention, clock, crash)
        try:
            self._log.query("SELECT 1")
        except BaseException:
            self.close()
            raise

    def slot_name(self, connector: str) -> str:
        """Return the name of the one slot."""
        return SLOT

    def acquire(self, slot: str) -> EmbeddedSlot:
        """Become the owner of the slot and fence every earlier one. Blocking."""
        if slot != SLOT:
            raise StoreError(
                f"there is no slot {slot!r}, only {SLOT!r}.",
                code="store.slot",
                place=str(self.path),
            )
        return EmbeddedSlot(self._log, self._side)

    def ensure_topics(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the number of partitions of each. Blocking."""
        with self._log.writing() as (_, appender):
            return appender.ensure(specs)

    def limits(self, topic: str) -> TopicLimits:
        """Return more than a unit may hold: `batch.max.bytes` is the limit here."""
        return TopicLimits(1 << 30)

    def schemas(self) -> list[SchemaRow]:
        """Return what the embedded registry has committed."""
        return [SchemaRow(*row) for row in self._log.query(SCHEMAS)]

    def reset(self, connector: str, partition_key: str | None = None) -> int:
        """Remove offsets and keyed state together; return how many offsets. Connector stopped."""
        with self._log.writing() as (connection, _):
            return positions.forget(connection, connector, partition_key)

    def set_offset(self, connector: str, partition_key: str, offset: str) -> None:
        """Replace one offset; keyed state stays. Connector stopped.

        Raises ConfigError unless both are canonical JSON of flat maps.
        """
        for text, what in ((partition_key, "partition"), (offset, "offset")):
            check_canonical(text, what)
        with self._log.writing() as (connection, _):
            positions.move(connection, {(connector, partition_key): offset})

    def reader(self) -> EmbeddedReader:
        """Open a reader."""
        return EmbeddedReader(self.path)

    def close(self) -> None:
        """Finish what is under way and let go. Idempotent."""
        # The writer last: the last connection to close moves the WAL into the file.
        self._side.close()
        self._database.close()
        self._lock.release()
