"""SourceContract: the class that a plugin's contract test subclasses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, ClassVar

from connectors_core.api.source import Source
from connectors_core.testing.declaration import Declaration, declared
from connectors_core.testing.judge import Court
from connectors_core.testing.law import Law
from connectors_core.testing.laws import BY_NAME, LAWS


class SourceContract:
    """A test class with one test for every law of the contract of a source.

    `source` is the class; `upstream` makes async context managers with `config()`, the options that
    point the source there, and where they can `expected()`, the values of a complete read, in order
    within each partition, `fault(kind)`, and `grow()`, which makes more and returns its values. A
    fresh one is made for every reading, so it MUST serve the same data each time. `capabilities` are
    among `law.CAPABILITIES`, `replayable` or `live_only` with them; `waive` gives a law that is not
    kept its reason; `offsets` is a folder of golden offsets.
    """

    source: ClassVar[type[Source[Any]]]
    upstream: ClassVar[Callable[[], Any]]
    capabilities: ClassVar[AbstractSet[str]] = frozenset()
    waive: ClassVar[Mapping[str, str]] = {}
    offsets: ClassVar[Path | None] = None
    level: ClassVar[str] = "full"
    """Set by `--contract-level`."""

    @staticmethod
    def comparable(value: Any) -> Any:
        """Return what two readings of the same value have in common: a time of reading is not.

        It is never asked about None, the value of a tombstone.
        """
        return value

    @staticmethod
    def comparable_key(key: Any) -> Any:
        """Return what two readings of the same record's key have in common. Never asked about None."""
        return key

    @classmethod
    def declaration(cls) -> Declaration:
        """Return what the class declares. Raises ConfigError for what can't be."""
        return declared(cls, BY_NAME)

    @classmethod
    def court(cls) -> Court:
        """Return the judge of this class; the same for all its tests."""
        if "_court" not in cls.__dict__:
            cls._court = Court(cls.declaration(), cls.level)
        return cls._court

    _court: ClassVar[Court]


def _test(law: Law) -> Callable[[SourceContract], None]:
    def test(self: SourceContract) -> None:
        import pytest

        verdict = self.court().one(law)
        if verdict.outcome == "failed":
            pytest.fail(f"{law.text}\n\n{verdict.reason}", pytrace=False)
        if verdict.outcome == "skipped":
            pytest.skip(f"contract: {verdict.reason}")
        if verdict.outcome != "passed":
            pytest.skip(f"{verdict.outcome}: {verdict.reason}")

    test.__doc__ = law.text
    test.__name__ = f"test_{law.name}"
    return test


for _law in LAWS:
    setattr(SourceContract, f"test_{_law.name}", _test(_law))
