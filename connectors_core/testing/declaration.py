"""Declaration: what a contract says of its source, checked before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.record import Record
from connectors_core.api.source import Source
from connectors_core.configs.near import did_you_mean
from connectors_core.testing.driver.compare import record_text, text_of
from connectors_core.testing.driver.far_side import require_upstream
from connectors_core.testing.law import CAPABILITIES


@dataclass(frozen=True, slots=True)
class Declaration:
    """A source, its upstream, what it can do, and which laws are waived for which reason.

    `comparable` makes of a value what two reads have in common, `comparable_key` of a key;
    `offsets` is a folder with the golden offsets of earlier releases.
    """

    contract: type[Any]
    source: type[Source[Any]]
    upstream: Callable[[], Any]
    capabilities: frozenset[str]
    waive: Mapping[str, str]
    comparable: Callable[[Any], Any]
    comparable_key: Callable[[Any], Any]
    offsets: Path | None = None

    def value_text(self, record: Record) -> str:
        """Return what two reads have in common of a record's value, as text."""
        return self.text_of(record.value)

    def text_of(self, value: Any) -> str:
        """Return what two reads have in common of a value, as text. A tombstone's None is itself."""
        return text_of(None if value is None else self.comparable(value))

    def text(self, record: Record) -> str:
        """Return what two reads have in common of a record, as text: its key, topic and value."""
        key = None if record.key is None else self.comparable_key(record.key)
        return record_text(record.topic, text_of(key), self.value_text(record))


def declared(contract: Any, laws: Collection[str]) -> Declaration:
    """Return what a contract class declares. Raises ConfigError with the place and the cure."""
    name = contract.__name__
    source = getattr(contract, "source", None)
    if not (isinstance(source, type) and issubclass(source, Source)):
        raise _mistake(f"{name}.source: must be a source class, got {source!r}.")
    if not isinstance(getattr(source, "name", None), str):
        raise _mistake(f'{source.__name__}: has no name. Add name = "my-source" to the class.')
    upstream = getattr(contract, "upstream", None)
    if not callable(upstream):
        raise _mistake(f"{name}.upstream: must be a class of upstreams, got {upstream!r}.")
    require_upstream(upstream, name)
    capabilities = frozenset(contract.capabilities)
    for each in sorted(capabilities):
        _require_known(each, CAPABILITIES, f"{name}.capabilities")
    if {"live_only", "replayable"} <= capabilities:
        raise _mistake(f"{name}.capabilities: a source is live_only or replayable, not both.")
    if not {"live_only", "replayable"} & capabilities:
        raise _mistake(
            f"{name}.capabilities: nothing says what a restart does. Add replayable if a read from"
            " an offset gives again what followed it, live_only if what was missed is gone."
        )
    endless = not {"bounded", "live_only"} & capabilities
    if endless and isinstance(upstream, type) and not hasattr(upstream, "expected"):
        raise _mistake(
            f"{name}.upstream: nobody can say when a source has read all that is neither bounded nor"
            f" live_only. Give {upstream.__name__} an expected(), or declare one of them."
        )
    for each, reason in contract.waive.items():
        _require_known(each, laws, f"{name}.waive")
        if not isinstance(reason, str) or not reason.strip():
            raise _mistake(f"{name}.waive: {each} needs a reason.")
    return Declaration(
        contract,
        source,
        upstream,
        capabilities,
        dict(contract.waive),
        contract.comparable,
        contract.comparable_key,
        contract.offsets,
    )


def _require_known(word: str, known: Collection[str], where: str) -> None:
    if word in known:
        return
    cure = did_you_mean(word, known, f"There are: {', '.join(sorted(known))}.")
    raise _mistake(f"{where}: unknown: {word!r}. {cure}")


def _mistake(text: str) -> ConfigError:
    return ConfigError(text, code="contract.declaration")
