"""Table: the newest value of every key of a compacted topic, in memory, as far as was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from connectors_core.stores.kafka.compaction import DELETIONS_SECONDS
from connectors_core.stores.kafka.settings import KafkaSettings
from connectors_core.stores.kafka.tail import read_to_end

Split = Callable[[bytes | None], tuple[str, str] | None]
"""Returns group and name of a key, None for a key that is not ours."""
STALE_SECONDS = DELETIONS_SECONDS / 4
"""After so long all is read anew: the brokers drop the markers of what was deleted."""


class Table:
    """Reads only when it is told to catch up; any thread.

    Values are kept by group and name in the order in which they were written first.
    """

    def __init__(self, settings: KafkaSettings, topic: str, partitions: int, split: Split) -> None:
        self._settings = settings
        self._topic = topic
        self._partitions = partitions
        self._split = split
        self._values: dict[str, dict[str, bytes]] = {}
        self._positions: dict[int, int] = {}
        self._read_at = 0.0
        self._started = self._ended = 0
        self._lock = threading.Lock()

    def catch_up(self) -> None:
        """Read to an end that was asked for after this call began. Blocking; StoreError.

        Those who wait for each other share the next reading.
        """
        asked = self._started
        with self._lock:
            if self._ended > asked:
                return  # a reading that began after the call has ended since
            self._started = number = self._started + 1
            self._read()
            self._ended = number

    def group(self, name: str) -> dict[str, bytes]:
        """Return a copy of what a group had when it was last read."""
        with self._lock:
            return dict(self._values.get(name, {}))

    def groups(self) -> dict[str, dict[str, bytes]]:
        """Return a copy of everything."""
        with self._lock:
            return {name: dict(values) for name, values in self._values.items()}

    def forget(self) -> None:
        """Read all anew the next time: the topic is another one than that which was read."""
        with self._lock:
            self._read_at = -STALE_SECONDS

    def _read(self) -> None:
        now = time.monotonic()
        values, positions = self._values, self._positions
        if now - self._read_at > STALE_SECONDS:
            # Beside the old ones: whoever looks meanwhile must not take a half for the whole.
            values, positions = {}, {}

        def take(message: Any) -> None:
            if placed := self._split(message.key()):
                _put(values.setdefault(placed[0], {}), placed[1], message.value())

        read_to_end(self._settings, self._topic, self._partitions, positions, take)
        self._values, self._positions, self._read_at = values, positions, now


def _put(group: dict[str, bytes], name: str, value: bytes | None) -> None:
    if value is None:
        group.pop(name, None)
    else:
        group[name] = value
