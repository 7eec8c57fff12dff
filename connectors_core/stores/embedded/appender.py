"""Writes records, and knows where every partition ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from connectors_core.api.store import Row, TopicSpec
from connectors_core.stores.embedded.batch import MAX_BYTES, checksum, pack
from connectors_core.stores.embedded.bulk import spread
from connectors_core.stores.embedded.connection import Connection
from connectors_core.stores.names import (
    check_partition,
    check_topic,
    partitions_of,
    retention_of,
)

_BatchRow: TypeAlias = tuple[int, int, int, int, int, int, bytes]
_AT_ONCE = 4 * MAX_BYTES
_BATCH = "INSERT INTO batch (log, base, count, appended, size, checksum, data) VALUES {rows}"


class Appender:
    """The topics and ends of a log as its one writer knows them.

    Made anew from the tables after every transaction that failed.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        topics = connection.execute("SELECT name, id, partitions FROM topic").fetchall()
        self._topics: dict[str, tuple[int, int]] = {name: (id_, n) for name, id_, n in topics}
        logs = connection.execute(
            "SELECT topic.name, partition, log.id, next FROM log JOIN topic ON topic.id = topic"
        ).fetchall()
        self._logs: dict[tuple[str, int], tuple[int, int]] = {
            (name, partition): (id_, end) for name, partition, id_, end in logs
        }

    def serves(self, connection: Connection) -> bool:
        """Say whether it writes through this connection, not through one that was dropped."""
        return self._connection is connection

    def ensure(self, specs: Iterable[TopicSpec]) -> dict[str, int]:
        """Make the topics that are missing; return the partitions of each."""
        wanted = list(specs)
        counts = {spec.name: partitions_of(spec) for spec in wanted}
        limits = {spec.name: retention_of(spec) for spec in wanted}
        missing = {spec.name: spec for spec in wanted if spec.name not in self._topics}
        self._insert_topics(
            (name, counts[name], *limits[name], json.dumps(dict(spec.settings), sort_keys=True))
            for name, spec in missing.items()
        )
        return {name: self._topics[name][1] for name in counts}

    def append(self, rows: Mapping[tuple[str, int], Sequence[Row]], now: int) -> int:
        """Write the rows of all partitions; return in how many batches. `now` in ms."""
        self._ensure_logs([partition for partition, some in rows.items() if some])
        batches = 0
        for some in _groups(self._batches(rows, now)):
            spread(self._connection, _BATCH, some)
            batches += len(some)
        return batches

    def _batches(
        self, rows: Mapping[tuple[str, int], Sequence[Row]], now: int
    ) -> Iterator[_BatchRow]:
        for partition, some in rows.items():
            for count, data in pack(some, now):
                log, base = self._logs[partition]
                crc = checksum(data, log, base, count, now)
                yield log, base, count, now, len(data), crc, data
                self._logs[partition] = (log, base + count)

    def _ensure_logs(self, partitions: Sequence[tuple[str, int]]) -> None:
        missing = [each for each in partitions if each not in self._logs]
        if not missing:
            return
        for name, partition in missing:
            check_topic(name)
            check_partition(name, partition)
        self._ensure_partitions(missing)
        first = max((id_ for id_, _ in self._logs.values()), default=0) + 1
        rows = [(i, *each) for i, each in enumerate(missing, first)]
        spread(
            self._connection,
            "INSERT INTO log (id, topic, partition, start, next, bytes) VALUES {rows}",
            [(id_, self._topics[name][0], partition, 0, 0, 0) for id_, name, partition in rows],
        )
        self._logs.update({(name, partition): (id_, 0) for id_, name, partition in rows})

    def _ensure_partitions(self, needing: Sequence[tuple[str, int]]) -> None:
        needed: dict[str, int] = {}
        for name, partition in needing:
            needed[name] = max(needed.get(name, 1), partition + 1)
        self._insert_topics(
            (name, count, None, None, "{}")
            for name, count in needed.items()
            if name not in self._topics
        )
        for name, count in needed.items():
            id_, partitions = self._topics[name]
            if partitions < count:
                self._connection.execute(
                    "UPDATE topic SET partitions = ? WHERE id = ?", (count, id_)
                )
                self._topics[name] = (id_, count)

    def _insert_topics(
        self, topics: Iterable[tuple[str, int, int | None, int | None, str]]
    ) -> None:
        first = max((id_ for id_, _ in self._topics.values()), default=0) + 1
        rows = [(id_, *topic) for id_, topic in enumerate(topics, first)]
        spread(
            self._connection,
            "INSERT INTO topic (id, name, partitions, retention_ms, retention_bytes, settings)"
            " VALUES {rows}",
            rows,
        )
        self._topics.update({row[1]: (row[0], row[2]) for row in rows})


def _groups(batches: Iterator[_BatchRow]) -> Iterator[list[_BatchRow]]:
    """Give batches in groups of bounded size: SQLite copies all that a statement is given."""
    group: list[_BatchRow] = []
    size = 0
    for batch in batches:
        group.append(batch)
        size += batch[4]
        if size >= _AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group
