"""EmbeddedReader: reads a log that another process may be writing, or that nothing runs on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from connectors_core.api.errors import StoreError
from connectors_core.api.store import PartitionInfo, SchemaRow, StoredRecord, TopicInfo
from connectors_core.stores.embedded import layout
from connectors_core.stores.embedded.batch import checksum, unpack
from connectors_core.stores.embedded.check import problems
from connectors_core.stores.embedded.connection import connect_readonly
from connectors_core.stores.embedded.files import nothing_yet, require_file
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.names import unknown_partition, unknown_topic

SCHEMAS = "SELECT subject, version, schema, avro FROM schema ORDER BY id"
_PAGE = 500
_TOPICS = """
SELECT name, partitions, coalesce(sum(next - start), 0), coalesce(sum(bytes), 0), settings
FROM topic LEFT JOIN log ON log.topic = topic.id GROUP BY topic.id ORDER BY name
"""
_BATCHES = """
SELECT log, base, count, appended, checksum, data FROM batch
WHERE log = ?1 AND base + count > ?2
  AND base >= coalesce((SELECT max(base) FROM batch WHERE log = ?1 AND base <= ?2), 0)
ORDER BY base
"""


class EmbeddedReader:
    """Reads what is committed, in short transactions, through a connection that can't write.

    Raises ConfigError if nothing has been written at `path` yet, StoreError (`store.foreign`,
    `store.newer`) if the file is no log that this version knows. One call at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        require_file(path)
        self._side = ReadSide(path, connect_readonly)
        try:
            self._require_log()
        except BaseException:
            self.close()
            raise

    def _require_log(self) -> None:
        with self._side.connection() as connection:
            if layout.is_new(connection, self.path):
                raise nothing_yet(self.path)

    def topics(self) -> list[TopicInfo]:
        """List the topics by name."""
        return [
            TopicInfo(name, partitions, records, size, json.loads(settings))
            for name, partitions, records, size, settings in self._side.rows(_TOPICS)
        ]

    def describe(self, topic: str) -> list[PartitionInfo]:
        """Return the partitions: one copy each, which no broker leads. Raises ConfigError."""
        return [PartitionInfo(number) for number in sorted(self.bounds(topic))]

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end.

        Raises ConfigError with the nearest names if there is no such topic.
        """
        rows = self._side.rows(
            "SELECT partitions, partition, start, next FROM topic"
            " LEFT JOIN log ON log.topic = topic.id WHERE name = ?",
            (topic,),
        )
        if not rows:
            names = self._side.rows("SELECT name FROM topic")
            raise unknown_topic(topic, (name for (name,) in names))
        found = {partition: (start, end) for _, partition, start, end in rows}
        return {number: found.get(number, (0, 0)) for number in range(rows[0][0])}

    def read(self, topic: str, partition: int, start: int, limit: int = 500) -> list[StoredRecord]:
        """Return up to `limit` records from offset `start` on; fewer only at the end.

        Raises ConfigError if there is no such topic or partition.
        """
        log = self._log(topic, partition)
        found: list[StoredRecord] = []
        if log is None or limit <= 0:
            return found
        with self._side.cursor(_BATCHES, (log, start)) as batches:
            while len(found) < limit and (batch := batches.fetchone()):
                found += self._records(topic, partition, batch, start, limit - len(found))
        return found

    def _log(self, topic: str, partition: int) -> int | None:
        rows = self._side.rows(
            "SELECT log.id FROM topic JOIN log ON log.topic = topic.id"
            " WHERE name = ? AND partition = ?",
            (topic, partition),
        )
        if rows:
            return int(rows[0][0])
        if partition not in (bounds := self.bounds(topic)):
            raise unknown_partition(topic, partition, len(bounds))
        return None

    def _records(
        self,
        topic: str,
        partition: int,
        batch: tuple[int, int, int, int, int, bytes],
        start: int,
        limit: int,
    ) -> list[StoredRecord]:
        log, base, count, appended, crc, data = batch
        if checksum(data, log, base, count, appended) != crc:
            raise StoreError(
                f"topic {topic}, partition {partition}: the records from offset {base} to"
                f" {base + count - 1} are damaged. See `pyconnect store check`; those from"
                f" {base + count} on can be read.",
                code="store.corrupt",
                place=str(self.path),
            )
        first = max(start - base, 0)
        rows = unpack(data, count, first, first + limit)
        return [
            StoredRecord(topic, partition, offset, stamp or 0, key, value, headers)
            for offset, (key, value, stamp, headers) in enumerate(rows, base + first)
        ]

    def offsets(self) -> Iterator[tuple[str, str, str]]:
        """Give connector, partition key and offset of every committed offset, in their order."""
        last = ("", "")
        while rows := self._side.rows(
            "SELECT connector, partition, offset FROM owner WHERE (connector, partition) > (?, ?)"
            " AND offset IS NOT NULL ORDER BY connector, partition LIMIT ?",
            (*last, _PAGE),
        ):
            yield from rows
            last = rows[-1][:2]

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        return [SchemaRow(*row) for row in self._side.rows(SCHEMAS)]

    def check(self) -> list[str]:
        """Return what is wrong with the log, one line each; reads all of it."""
        return problems(self._side)

    def close(self) -> None:
        """Let go of files and connections. Idempotent."""
        self._side.close()
