"""Topic names and settings: what is allowed, and what to say of a name that is not there."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

from connectors_core.api.errors import ConfigError, PyconnectError
from connectors_core.api.record import flat
from connectors_core.api.store import TopicSpec

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_WHOLE = re.compile(r"-1|[0-9]{1,18}")
MAX_PARTITIONS = 10_000


def check_topic(name: str) -> None:
    """Raise ConfigError unless Kafka would take the name too."""
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise ConfigError(
            f"topic {name[:80]!r}: a name has 1 to 249 of the characters A-Z a-z 0-9 . _ -",
            code="config.topic",
        )


def check_partition(name: str, partition: int) -> None:
    """Raise ConfigError for a partition number that no topic can have."""
    if not 0 <= partition < MAX_PARTITIONS:
        raise ConfigError(
            f"topic {name!r}: partition {partition} is not within 0 to {MAX_PARTITIONS - 1}.",
            code="config.partition",
        )


def partitions_of(spec: TopicSpec) -> int:
    """Return how many partitions a topic is to be made with; 1 unless the spec says otherwise."""
    check_topic(spec.name)
    if spec.partitions == -1:
        return 1
    if not 1 <= spec.partitions <= MAX_PARTITIONS:
        raise ConfigError(
            f"topic {spec.name!r}: partitions must be within 1 to {MAX_PARTITIONS} (or -1 for the"
            f" default), got {spec.partitions}.",
            code="config.partition",
        )
    return spec.partitions


def retention_of(spec: TopicSpec) -> tuple[int | None, int | None]:
    """Return the topic's own retention in ms and in bytes; None = the store's, -1 = for ever.

    A topic whose `cleanup.policy` is not to delete is kept for ever, as on Kafka.
    """
    if "delete" not in spec.settings.get("cleanup.policy", "delete"):
        return -1, -1
    return _limit(spec, "retention.ms"), _limit(spec, "retention.bytes")


def _limit(spec: TopicSpec, name: str) -> int | None:
    text = spec.settings.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise ConfigError(
            f"topic {spec.name!r}: {name}: must be a whole number, or -1 for no limit, got"
            f" {text!r}.",
            code="config.topic",
        )
    return int(text)


def unknown_topic(name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a topic that is not there, with the nearest names."""
    near = difflib.get_close_matches(name, list(known), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `pyconnect topics` lists them."
    return ConfigError(f"there is no topic {name!r}.{hint}", code="config.topic")


def unknown_connector(name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a connector of which nothing is stored, with the nearest name."""
    near = difflib.get_close_matches(name, list(known), n=1)
    cure = f"Did you mean {near[0]!r}?" if near else "See `pyconnect offsets show`."
    return ConfigError(f"no offset of {name!r} is stored. {cure}", code="config.connector")


def unknown_partition(name: str, partition: int, count: int) -> ConfigError:
    """Return the error for a partition that a topic does not have."""
    return ConfigError(
        f"topic {name!r} has no partition {partition}: it has {count}, counted from 0.",
        code="config.partition",
    )


def first_after(prefix: str) -> str:
    """Return the least text greater than all that start with `prefix`, "" if there is none.

    In the order of code points, which is the order of UTF-8 bytes.
    """
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return ""
    point = ord(kept[-1]) + 1
    # U+D800 to U+DFFF are no characters: UTF-8 can't hold them.
    return kept[:-1] + chr(0xE000 if point == 0xD800 else point)


def canonical_problem(text: str, what: str) -> str:
    """Return what keeps a text from being the canonical JSON of a flat map, "" if nothing does."""
    try:
        wanted = flat(json.loads(text), what)
    except (PyconnectError, ValueError, RecursionError) as error:
        return f"{what} {text[:80]!r}: {error}"
    return "" if wanted == text else f"{what} {text[:80]!r}: not canonical, should be {wanted!r}"


def check_canonical(text: str, what: str) -> None:
    """Raise ConfigError unless a text is the canonical JSON of a flat map."""
    if problem := canonical_problem(text, what):
        raise ConfigError(problem, code=f"config.{what}")
