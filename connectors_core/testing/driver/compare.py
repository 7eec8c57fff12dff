"""Compares what was read with what was to be read: lost, doubled, too much, out of order."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from pydantic import BaseModel

from connectors_core.api.record import Partition, Record

SHOWN = 120


def text_of(value: Any) -> str:
    """Return the text of a value: the same for equal values of any kind."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, default=repr)


def record_text(topic: str | None, key: str, value: str) -> str:
    """Return the text of a whole record: its key and its topic, if it has any, and its value.

    Key and value are texts of `text_of`. Headers and times tell of the reading, and are left out.
    """
    named = [f"key {key}"] if key != "null" else []
    named += [f"topic {topic}"] if topic is not None else []
    return f"{', '.join(named)}: {value}" if named else value


def texts_of(
    found: Mapping[Partition, Sequence[Record]], text: Callable[[Record], str]
) -> dict[Partition, list[str]]:
    """Return what is to be compared of every partition's records."""
    return {partition: [text(each) for each in records] for partition, records in found.items()}


def difference(wanted: Sequence[str], found: Mapping[Any, Sequence[str]], *, ordered: bool) -> str:
    """Say how what was found differs from what was wanted; "" if it does not.

    All partitions together must hold the wanted texts, each as often. With `ordered`, those of each
    partition must stand in the order of `wanted`.
    """
    want, have = Counter(wanted), Counter(each for some in found.values() for each in some)
    lost, extra = want - have, have - want
    doubled = Counter({each: n for each, n in extra.items() if each in want})
    strange = extra - doubled
    parts = [
        _counted("lost", lost),
        _counted("doubled", doubled),
        _counted("not expected", strange),
    ]
    said = "; ".join(part for part in parts if part)
    if said or not ordered:
        return said
    for partition, values in found.items():
        if (at := _out_of_order(values, wanted)) is not None:
            return (
                f"out of order in partition {partition!r}, from number {at}: {_short(values[at])}"
            )
    return ""


def _out_of_order(values: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Return the index of the first value that does not follow the one before it in `wanted`."""
    rest = iter(wanted)
    for at, value in enumerate(values):
        if not any(value == each for each in rest):
            return at
    return None


def _counted(what: str, some: Counter[str]) -> str:
    if not some:
        return ""
    return f"{some.total()} {what}, as {_short(next(iter(some)))}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _plain(value: Any) -> Any:
    value = builtins_of(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def builtins_of(value: Any) -> Any:
    """Return a dict for a map, a model, a struct or a dataclass, a list for a list or a tuple, else
    the value itself. What is within is left as it is."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    elif isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    return list(value) if isinstance(value, list | tuple) else value
