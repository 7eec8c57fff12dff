"""The local copies of keyed state that a slot has opened: whole, or an error, never less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors_core.api.errors import StoreUnreachable
from connectors_core.stores.kafka.cluster import Cluster
from connectors_core.stores.kafka.state import Change, StateCopy

CHECKPOINT_ROWS = 50_000
"""After so many rows of state a copy reads its topic, so that a start need not."""


class StateCopies:
    """Changed by the slot's thread alone; read by any."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._whole: dict[str, StateCopy] = {}
        self._opened: set[str] = set()
        self._uncopied = 0

    def open(self, connector: str, *, make: bool) -> bool:
        """Open a connector's copy and read it up to the topic's end, if it has state at all.

        `make` makes it have some. Return whether anything was opened. Blocking; StoreError.
        """
        if connector in self._whole:
            return False
        copy = self._cluster.state(connector, make=make)
        if copy is None:
            return False
        self._read(connector, copy)
        self._opened.add(connector)
        self._whole[connector] = copy
        return True

    def require(self, connector: str) -> None:
        """Raise StoreUnreachable if a connector that has state has no copy open."""
        if connector not in self._whole:
            raise StoreUnreachable(
                "the topic of its keyed state is there, but the broker that was asked has not heard of"
                " it. It is tried again.",
                code="kafka.state-topic",
                place=connector,
            )

    def catch_up(self) -> None:
        """Read what has come since. Blocking; StoreError."""
        self._uncopied = 0
        for connector in list(self._whole):
            # If it can't be read, it is lost: whoever looks then gets an error.
            copy = self._whole[connector]
            try:
                self._read(connector, copy)
            except BaseException:
                del self._whole[connector]
                raise

    def apply(self, connector: str, changes: Sequence[Change]) -> None:
        """Put in what was committed. If that fails, who goes on reads the topic first."""
        try:
            self._whole[connector].apply(changes)
        except BaseException:
            self._whole.pop(connector).close()
            raise
        self._uncopied += len(changes)
        if self._uncopied >= CHECKPOINT_ROWS:
            self.catch_up()

    def of(self, connector: str) -> StateCopy | None:
        """Return a connector's copy, None if it has no state. Raises StoreError if it is lost."""
        copy = self._whole.get(connector)
        if copy is None and connector in self._opened:
            raise StoreUnreachable(
                "the keyed state can't be read until its local copy is made again.",
                code="kafka.state-copy",
                place=connector,
            )
        return copy

    def close(self) -> None:
        """Let go of the files. Idempotent."""
        for copy in self._whole.values():
            copy.close()

    def _read(self, connector: str, copy: StateCopy) -> None:
        settings = self._cluster.settings
        try:
            copy.catch_up(settings, settings.state_topic(connector))
        except BaseException:
            copy.close()
            raise


class PartitionState:
    """The state of one source partition, in the copy that `find` gives; None has no state."""

    def __init__(self, find: Callable[[], StateCopy | None], partition: str) -> None:
        self._find = find
        self._partition = partition

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that exist."""
        copy = self._find()
        return {} if copy is None else copy.get_many(self._partition, keys)

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` pairs whose key starts with `prefix` and is greater than `after`."""
        copy = self._find()
        return [] if copy is None else copy.scan(self._partition, prefix, after, limit)
