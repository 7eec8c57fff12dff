"""SourceLog: the embedded log as a promotion reads it. Nothing here writes."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from pathlib import Path

from connectors_core.api.store import SchemaRow, StateReader, StoredRecord, TopicInfo
from connectors_core.app.promotion.fingerprint import digest_of_all
from connectors_core.stores.cursor import scan
from connectors_core.stores.embedded import EmbeddedReader
from connectors_core.stores.embedded.connection import connect_readonly
from connectors_core.stores.embedded.holders import holders
from connectors_core.stores.embedded.read_side import ReadSide
from connectors_core.stores.embedded.state import EmbeddedState

_PAGE = 1000


class SourceLog(AbstractContextManager["SourceLog"]):
    """Raises ConfigError if nothing was written at `path` yet. One call at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = EmbeddedReader(path)
        self._side = ReadSide(path, connect_readonly)

    @property
    def identity(self) -> str:
        """What tells this file from the log of another machine, or a later one in its place.

        A copy is another log: whoever moves one says so (`--existing-offsets replace`).
        """
        text = f"{socket.gethostname()} {self.path.stat().st_ino}"
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def topics(self) -> list[TopicInfo]:
        """List the topics by name."""
        return self._reader.topics()

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first kept offset and the end."""
        return self._reader.bounds(topic)

    def records(self, topic: str, partition: int, start: int, end: int) -> Iterator[StoredRecord]:
        """Give the records from `start` to before `end`, in order; a page is in memory at a time."""
        return scan(self._reader, topic, partition, start, end)

    def schemas(self) -> list[SchemaRow]:
        """List every schema of every subject, oldest first."""
        return self._reader.schemas()

    def offsets(self) -> dict[str, dict[str, str]]:
        """Return committed offsets by connector and partition key; also of those with state only."""
        nothing: dict[str, dict[str, str]] = {name: {} for name, _ in holders(self._side)}
        return dict(sorted((nothing | by_connector(self._reader.offsets())).items()))

    def state_partitions(self, connector: str) -> list[str]:
        """Return the partition keys of a connector that have keyed state."""
        return [partition for name, partition in holders(self._side) if name == connector]

    def state(self, connector: str, partition_key: str) -> StateReader:
        """Return a reader of the keyed state of one source partition."""
        return EmbeddedState(self._side, connector, partition_key)

    def state_digest(self, connector: str) -> str:
        """Return a checksum of all keyed state of a connector."""
        return digest_of_all(
            (partition, key, value)
            for partition in self.state_partitions(connector)
            for key, value in pairs(self.state(connector, partition))
        )

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._side.close()


def by_connector(offsets: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """Return offsets by connector and partition key; given are connector, partition key, offset."""
    found: dict[str, dict[str, str]] = {}
    for connector, partition, offset in offsets:
        found.setdefault(connector, {})[partition] = offset
    return found


def pairs(state: StateReader) -> Iterator[tuple[str, str]]:
    """Give all keys and values, ordered by key."""
    after = ""
    while page := state.scan("", after, _PAGE):
        yield from page
        after = page[-1][0]
