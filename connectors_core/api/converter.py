"""Converter: a value, by its schema, to the bytes in the log and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors_core.api.schema import Schema


class Converter:
    """Turns values into bytes and back. One object for a connector's keys, one for its values.

    Every task has its own, called by one generator at a time: on the data plane's loop, or in the
    thread of a plain generator. MUST NOT block. None never reaches it: that is a tombstone or a
    missing key.
    """

    name: ClassVar[str]

    def wants_samples(self, topic: str, schema: Schema | None) -> bool:
        """Say whether values of this topic must be collected before the first can be encoded."""
        return False

    def learn(self, topic: str, samples: Sequence[Any]) -> None:
        """Take the first values of a topic (up to 100, or those of the first second)."""

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        """Return the bytes of a value. Raises DataError, naming the field, for that record."""
        raise NotImplementedError

    def bound(self, topic: str, schema: Schema | None, cls: type[Any]) -> Callable[[Any], bytes]:
        """Return what encodes values of one class, for a caller with many of them.

        It may refuse, by any exception, what `encode` would take; then `encode` MUST be asked.
        """
        return partial(self.encode, topic, schema)

    def decode(self, topic: str, data: bytes) -> Any:
        """Return the value of bytes. Raises DataError if they are not of this converter."""
        raise NotImplementedError
