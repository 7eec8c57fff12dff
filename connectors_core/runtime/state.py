"""Keyed state as a generator sees it: what is committed, overlaid with what it has yielded."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Json, canonical
from connectors_core.api.store import StateReader

KEY_BYTES = 1024
VALUE_BYTES = 256 * 1024


def encode_state(state: Mapping[str, Any]) -> dict[str, str | None]:
    """Return canonical JSON by key, None for a deletion.

    Raises ContractError for a key over 1 KiB, a value over 256 KiB, or what JSON can't hold.
    """
    return {_checked_key(key): _checked_value(key, value) for key, value in state.items()}


def _checked_key(key: object) -> str:
    try:
        if isinstance(key, str) and 0 < len(key.encode()) <= KEY_BYTES:
            return key
    except UnicodeEncodeError:
        pass
    raise ContractError(
        f"state key {str(key)[:60]!r}: must be text of 1 to {KEY_BYTES} UTF-8 bytes.",
        code="source.state",
    )


def _checked_value(key: str, value: object) -> str | None:
    if value is None:
        return None
    try:
        text = canonical(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ContractError(
            f"state {key!r}: the value is not JSON: {error}.", code="source.state"
        ) from error
    if len(text) > VALUE_BYTES or len(text.encode()) > VALUE_BYTES:
        raise ContractError(
            f"state {key!r}: larger than 256 KiB of JSON. Spread it over several keys.",
            code="source.state",
        )
    return text


class Overlay:
    """State that was yielded and is not committed yet. Dropped with its generator.

    Locked: a plain generator writes and reads it in a thread, the loop takes out what is committed.
    """

    def __init__(self) -> None:
        self._values: dict[str, tuple[int, str | None]] = {}
        self._laid: deque[tuple[int, tuple[str, ...]]] = deque()
        self._age = 0
        self._lock = threading.Lock()

    def put(self, state: Mapping[str, str | None]) -> int:
        """Lay a batch's state over the rest; return its age, for `forget`."""
        with self._lock:
            self._age += 1
            self._laid.append((self._age, tuple(state)))
            for key, value in state.items():
                self._values[key] = (self._age, value)
            return self._age

    def forget(self, age: int) -> None:
        """Drop what is committed: everything laid up to `age`."""
        with self._lock:
            while self._laid and self._laid[0][0] <= age:
                laid_at, keys = self._laid.popleft()
                for key in keys:
                    if key in self._values and self._values[key][0] <= laid_at:
                        del self._values[key]

    def clear(self) -> None:
        """Drop everything, with the generator that yielded it."""
        with self._lock:
            self._values.clear()
            self._laid.clear()

    def of(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Return canonical JSON of those keys that are laid over, None where one is deleted."""
        with self._lock:
            return {key: self._values[key][1] for key in keys if key in self._values}

    def after(self, prefix: str, start: bytes) -> dict[str, str | None]:
        """Return the same for every key with a prefix whose UTF-8 bytes are beyond `start`."""
        with self._lock:
            return {
                key: value
                for key, (_, value) in self._values.items()
                if key.startswith(prefix) and key.encode() > start
            }


class StateView:
    """`State` of one source partition for one generator."""

    def __init__(self, committed: StateReader, overlay: Overlay) -> None:
        self._committed = committed
        self._overlay = overlay

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, Json]:
        """Return the values of those keys that exist."""
        wanted = list(keys)
        # The overlay first: what leaves it between the two look-ups is committed by then.
        overlay = self._overlay.of(wanted)
        texts: dict[str, str | None] = dict(
            self._committed.get_many([key for key in wanted if key not in overlay])
        )
        texts |= overlay
        return {key: json.loads(text) for key, text in texts.items() if text is not None}

    def scan(
        self, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[tuple[str, Json]]:
        """Return up to `limit` pairs in the order of the keys' UTF-8 bytes."""
        overlay = self._overlay.after(prefix, after.encode())
        # So many committed pairs that, with all the overlay's deletions taken out, `limit` are left.
        merged: dict[str, str | None] = dict(
            self._committed.scan(prefix, after, limit + len(overlay))
        )
        merged |= overlay
        live = ((key, text) for key, text in merged.items() if text is not None)
        ordered = sorted(live, key=lambda pair: pair[0].encode())[:limit]
        return [(key, json.loads(text)) for key, text in ordered]
