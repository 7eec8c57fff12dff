"""Likeness: what whole runs have in common beside their values, and a killed one must have too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from connectors_core.api.record import Record
from connectors_core.testing.compare import SHOWN, text_of
from connectors_core.testing.ledger import Ledger
from connectors_core.testing.plot import Harvest, Line


class Likeness:
    """Holds harvests to one that nobody disturbed: topics, keys, tombstones and dead letters.

    Keys may be named after an upstream, which is another one each time. So only that is compared in
    which the undisturbed harvest is like a `reading` at another upstream; `left_out` names the rest.
    """

    def __init__(
        self, reading: Ledger, comparable: Callable[[Any], Any], undisturbed: Harvest
    ) -> None:
        self._wanted = undisturbed
        read, lines = _lines(reading, comparable), undisturbed.lines
        self._topics = _without_keys(read) == _without_keys(lines)
        self._keys = read == lines
        self._rejects = Counter(reading.rejects()) == undisturbed.rejects
        compared = {"topics": self._topics, "keys": self._keys, "dead letters": self._rejects}
        self.left_out = [name for name, able in compared.items() if not able]

    def difference(self, found: Harvest) -> str:
        """Say how a harvest with the right values differs; "" if it does not."""
        wanted = self._wanted
        if self._topics and (other := _without_keys(found.lines) - _without_keys(wanted.lines)):
            return f"{other.total()} on another topic, as {_shown(other)}"
        if self._keys and (other := found.lines - wanted.lines):
            return f"{other.total()} with another key, as {_shown(other)}"
        if self._rejects and found.rejects != wanted.rejects:
            return f"{found.rejects.total()} dead letters, not {wanted.rejects.total()}"
        return ""


def _lines(reading: Ledger, comparable: Callable[[Any], Any]) -> Counter[Line]:
    return Counter(_line(record, comparable) for record in reading.records())


def _line(record: Record, comparable: Callable[[Any], Any]) -> Line:
    key = None if record.key is None else text_of(record.key)
    value = None if record.value is None else text_of(comparable(record.value))
    return record.topic or "", key, value


def _without_keys(lines: Counter[Line]) -> Counter[Line]:
    found: Counter[Line] = Counter()
    for (topic, _, value), count in lines.items():
        found[topic, None, value] += count
    return found


def _shown(lines: Counter[Line]) -> str:
    topic, key, value = next(iter(lines))
    shown = "" if key is None else f" under {key}"
    return f"{(value or 'a tombstone')[:SHOWN]}{shown} in {topic or 'the default one'}"
