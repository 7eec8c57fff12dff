"""The short way of the usual record: a value with an offset of its own, and nothing else special.

It does what `Intake` does, in one function instead of nine: a call costs as much here as the work
(measured: 0.65 of a bare loop by the long way, see `benchmarks/`). Whatever is not usual, errors
included, takes the long way from its start, so that there is one place for each rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors_core.api.record import Item, Record
from connectors_core.api.store import Row
from connectors_core.runtime.encode import Encoder, Route
from connectors_core.runtime.intake import Intake
from connectors_core.runtime.unit import ROW_OVERHEAD, SCALARS, Outbox, Progress

LongWay = Callable[[Item], bool]


def short_way(
    intake: Intake,
    encoder: Encoder,
    route: Route,
    outbox: Outbox,
    progress: Progress,
    long_way: LongWay,
) -> LongWay:
    """Return the function that takes items of one partition; True says that the pump must look.

    For a default topic of one partition, with no transforms.
    """
    topic, schema, key = route.topic, route.schema, progress.key
    encode = encoder.bound_value(topic, schema, object)
    target = (topic, 0)

    cls: type[Any] | None = None

    def take(item: Item) -> bool:
        nonlocal cls, encode
        if (
            type(item) is not Record
            or item.offset is None
            or item.value is None
            or item.key is not None
            or item.topic is not None
            or item.timestamp is not None
            or item.kafka_partition is not None
            or item.partition is not None
            or item.schema is not None
            or item.headers
            or not route.ready
            or progress.open_rows
            or intake.detour
        ):
            return long_way(item)
        offset = item.offset
        if type(offset) is not dict or offset == progress.last:
            return long_way(item)
        for scalar in offset.values():
            if type(scalar) not in SCALARS:
                return long_way(item)
        value = item.value
        if value.__class__ is not cls:
            cls = value.__class__
            encode = encoder.bound_value(topic, schema, cls)
        try:
            data = encode(value)
        except Exception:
            cls = None  # what it can be encoded with may change on the long way
            return long_way(item)
        size = len(data)
        if size > encoder.max_bytes:
            return long_way(item)
        parcel = outbox.parcel
        rows = parcel.rows.get(target)
        if rows is None:
            rows = parcel.rows_of(target)
        row: Row = (None, data, None, ())
        rows.append(row)
        parcel.offsets[key] = progress.last = offset.copy()
        parcel.records += 1
        size += ROW_OVERHEAD
        parcel.bytes += size
        if parcel.records in (1, outbox.max_records) or size > ROW_OVERHEAD * 10:
            outbox.touched()
        return parcel.bytes >= outbox.room

    return take
