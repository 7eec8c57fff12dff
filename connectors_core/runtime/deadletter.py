"""Dead letters: what becomes of a record that can't be delivered when errors are tolerated."""

from __future__ import annotations

import json
from typing import Any

from connectors_core.api.errors import PyconnectError
from connectors_core.api.record import Record, Reject
from connectors_core.api.store import Headers, Row
from connectors_core.runtime.retry import describe

TEXT_BYTES = 8 * 1024


class DeadLetters:
    """Writes one task's dead letters; the header names are Kafka Connect's.

    A value over `max_bytes` is cut there, and a header says how long it was.
    """

    def __init__(self, topic: str, connector: str, task: int, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.target = (topic, 0)
        self._connector = connector
        self._task = task

    def of_reject(self, reject: Reject, partition: str) -> Row:
        """Return the dead letter of a message that never became a record: its raw bytes."""
        headers = self._headers("READ", "", reject.reason, partition)
        return self._row(None, bytes(reject.raw), headers)

    def of_record(self, record: Record, stage: str, error: BaseException, partition: str) -> Row:
        """Return the dead letter of a record: its value, exact where it was bytes or text."""
        name = error.code if isinstance(error, PyconnectError) else type(error).__name__
        headers = self._headers(stage, name, describe(error), partition)
        return self._row(_bytes(record.key), _bytes(record.value), headers)

    def _row(self, key: bytes | None, value: bytes | None, headers: Headers) -> Row:
        if value is not None and len(value) > self._max_bytes:
            length = str(len(value)).encode()
            headers = (*headers, ("__connect.errors.truncated.from.bytes", length))
            value = value[: self._max_bytes]
        return key and key[: self._max_bytes], value, None, headers

    def _headers(self, stage: str, name: str, message: str, partition: str) -> Headers:
        facts = {
            "connector.name": self._connector,
            "task.id": str(self._task),
            "stage": stage,
            "exception.class.name": name,
            "exception.message": message,
            "source.partition": partition,
        }
        return tuple(
            (f"__connect.errors.{key}", value.encode("utf-8", "backslashreplace")[:TEXT_BYTES])
            for key, value in facts.items()
            if value
        )


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace")
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except Exception:  # a value may be anything, with a __repr__ that raises anything
        text = object.__repr__(value)
    return text.encode("utf-8", "backslashreplace")
