"""What a connector may say of its own producer: `producer.override.*`, from an allow-list.

A connector's file may come from someone who may not run code on the worker. So nothing is allowed
that loads code, runs commands, reads files, opens addresses or weakens a guarantee.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from connectors_core.configs.near import did_you_mean
from connectors_core.configs.notation import Problems, under
from connectors_core.configs.properties import ALIASES, JAVA, OWNED, PROPERTIES, is_code
from connectors_core.configs.providers import Provided
from connectors_core.configs.sentence import shown
from connectors_core.configs.tree import Map, Mark

PREFIX = "producer.override"
_INT_MAX = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Range:
    """A number between limits, both included."""

    least: int
    most: int
    whole: bool = True

    def takes(self, text: str) -> bool:
        """Say whether a value is one of these."""
        if not re.fullmatch(
            r"-?[0-9]{1,12}" if self.whole else r"[0-9]{1,12}(\.[0-9]{1,9})?", text
        ):
            return False
        return self.least <= float(text) <= self.most and math.isfinite(float(text))

    def __str__(self) -> str:
        return f"a {'whole ' if self.whole else ''}number from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Words:
    """One of some words."""

    words: tuple[str, ...]

    def takes(self, text: str) -> bool:
        """Say whether a value is one of these."""
        return text in self.words

    def __str__(self) -> str:
        return " or ".join(self.words)


@dataclass(frozen=True, slots=True)
class Text:
    """A name that shows up in the brokers' logs and metrics."""

    def takes(self, text: str) -> bool:
        """Say whether a value is one of these."""
        return re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text) is not None

    def __str__(self) -> str:
        return "1 to 249 of the characters A-Z a-z 0-9 . _ -"


Kind = Range | Words | Text
_CODECS = Words(("none", "gzip", "snappy", "lz4", "zstd"))

ALLOWED: dict[str, Kind] = {
    "batch.num.messages": Range(1, 1_000_000),
    "batch.size": Range(1, _INT_MAX),
    "client.id": Text(),
    "compression.codec": _CODECS,
    "compression.level": Range(-1, 12),
    "compression.type": _CODECS,
    "delivery.timeout.ms": Range(1, _INT_MAX),
    "linger.ms": Range(0, 900_000, whole=False),
    "message.copy.max.bytes": Range(0, 1_000_000_000),
    "message.max.bytes": Range(1000, 1_000_000_000),
    "message.timeout.ms": Range(1, _INT_MAX),
    "queue.buffering.backpressure.threshold": Range(1, 1_000_000),
    "queue.buffering.max.kbytes": Range(1, _INT_MAX),
    "queue.buffering.max.messages": Range(1, _INT_MAX),
    "queue.buffering.max.ms": Range(0, 900_000, whole=False),
    "request.timeout.ms": Range(1, 900_000),
    "retry.backoff.max.ms": Range(1, 300_000),
    "retry.backoff.ms": Range(1, 300_000),
    "sticky.partitioning.linger.ms": Range(0, 900_000),
}
"""By librdkafka's names, with its ranges (CONFIGURATION.md); 0, which would mean "for ever" or
"no limit", is left out where a connector could hold its neighbours up with it."""

_DANGERS = (
    (("plugin.library.paths", "ssl.engine.", "ssl.providers"), "it loads code into the worker"),
    (("sasl.kerberos.kinit.cmd",), "it runs a command"),
    ((".location", ".file", ".keytab", ".path", ".stores"), "it makes the worker read files"),
    (("endpoint.url", "metadata.authentication"), "it makes the worker call an address"),
    (("bootstrap.", "metadata.broker", "sasl.", "ssl.", "security.", "enable.s"),
     "it is of the connection, which all connectors share"),
    (("debug", "statistics.", "log"), "it is about what the worker tells"),
)  # fmt: skip


def overrides(framework: Map, problems: Problems) -> Map:
    """Return the properties of a connector's producer by the name that is used, values as text."""
    below = under(framework, PREFIX)
    made = Map()
    if framework.get(PREFIX):
        problems.add(
            framework.mark(PREFIX), f"{PREFIX}: must be a map. Write {PREFIX}.linger.ms: 20."
        )
    for name, value in below.items():
        mark = below.marks[name]
        kind = ALLOWED.get(name)
        if kind is None:
            problems.add(mark, f"{PREFIX}.{name}: {_refused(name)}", "config.override")
            continue
        known = ALIASES.get(name, name)
        text = _text(value, mark)
        if isinstance(value, Provided) and value.failed:
            continue  # told by the provider
        if text is None or not kind.takes(text):
            problems.add(mark, f"{PREFIX}.{name}: must be {kind}, got {shown(value, mark)}.")
        else:
            problems.put(made, known, text, mark)
    return made


def _text(value: Any, mark: Mark) -> str | None:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return mark.text or str(value)
    return None


def _refused(name: str) -> str:
    """Say why a property is not allowed, and where it may be set."""
    if name in OWNED:
        return f"can't be set: {OWNED[name]}. Leave it out."
    if name == "transaction.timeout.ms":
        return "is not a connector's. Write transaction.timeout.ms into worker.yaml."
    if name in PROPERTIES:
        return f"is not a connector's: {_danger(name)}. Write kafka.{name} into worker.yaml."
    if is_code(name):
        return "is never allowed: it takes code, not text. Leave it out."
    cure = f"There are {', '.join(each for each in ALLOWED if each not in ALIASES)}."
    if JAVA.get(name) in ALLOWED:
        return f"is of Java's client. Write {PREFIX}.{JAVA[name]}."
    if name in JAVA:
        return f"is not a connector's. Write kafka.{JAVA[name]} into worker.yaml."
    return f"unknown property. {did_you_mean(name, ALLOWED, cure)}"


def _danger(name: str) -> str:
    for signs, danger in _DANGERS:
        if any(name.startswith(sign) or name.endswith(sign) for sign in signs):
            return danger
    return "it is no matter of one producer"
