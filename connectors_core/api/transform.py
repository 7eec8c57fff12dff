"""Transform and Predicate: what happens to a record between its source and the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from connectors_core.api.config import Config
from connectors_core.api.generics import config_of
from connectors_core.api.record import Record

C = TypeVar("C", bound=Config)


class Transform(Generic[C]):
    """Makes 0..n records of one. Pure: no I/O, no state but its config.

    `apply` runs where its source runs, on the data plane's loop or in the thread of a plain
    generator, and MUST NOT block. None or an empty iterable filters the
    record out: its offset still moves. An exception is that record's error.
    """

    name: ClassVar[str]
    config: C

    def __init__(self, config: C) -> None:
        self.config = config

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the pydantic model of the options."""
        return config_of(cls, Transform)

    def apply(self, record: Record) -> Record | Iterable[Record] | None:
        """Return what becomes of the record; it may be changed in place."""
        raise NotImplementedError


class Predicate(Generic[C]):
    """Decides whether a transform applies to a record."""

    name: ClassVar[str]
    config: C

    def __init__(self, config: C) -> None:
        self.config = config

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the pydantic model of the options."""
        return config_of(cls, Predicate)

    def test(self, record: Record) -> bool:
        """Say whether the record matches."""
        raise NotImplementedError
