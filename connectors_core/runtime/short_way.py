"""The short way of the usual record: a value with an offset of its own, and nothing else special.

It does what `Intake` does, in one function instead of nine: a call costs as much here as the work
(measured: 0.65 of a bare loop by the long way, see `benchmarks/`). Whatever is not usual, errors
included, takes the long way from its start, so that there is one place for each rule.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from connectors_core.api.record import Item, Record
from connectors_core.runtime.encode import Encoder, Route, partition_without_key
from connectors_core.runtime.intake import Intake
from connectors_core.runtime.unit import ROW_OVERHEAD, SCALARS, Outbox, Progress

LongWay = Callable[[Item], bool]


UNUSUAL = attrgetter(
    "key", "topic", "timestamp", "kafka_partition", "partition", "schema", "headers"
)
"""What a usual record has not; read in one go, because each look costs as much as a comparison."""
USUAL = (None, None, None, None, None, None, ())


def short_way(
    intake: Intake,
    encoder: Encoder,
    route: Route,
    outbox: Outbox,
    progress: Progress,
    long_way: LongWay,
) -> LongWay:
    """Return the function that takes items of one partition; True says that the pump must look.

    For a default topic, with no transforms.
    """
    topic, schema, key = route.topic, route.schema, progress.key
    encode = encoder.bound_value(topic, schema, object)
    target = (topic, partition_without_key(key, route.partitions))
    cls: type[Any] | None = None

    def take(item: Item) -> bool:
        nonlocal cls, encode
        if intake.detour or intake.closed or not route.ready or progress.open_rows:
            return long_way(item)
        if type(item) is not Record or UNUSUAL(item) != USUAL or item.value is None:
            return long_way(item)
        offset, value = item.offset, item.value
        if type(offset) is not dict or offset == progress.last:
            return long_way(item)
        if not SCALARS.issuperset(map(type, offset.values())):
            return long_way(item)
        if value.__class__ is not cls:
            cls = value.__class__
            encode = encoder.bound_value(topic, schema, cls)
        try:
            data = encode(value)
        except Exception:
            cls = None  # what it can be encoded with may change on the long way
            return long_way(item)
        if len(data) > route.record_bytes:
            return long_way(item)
        parcel = outbox.parcel
        rows = parcel.rows.get(target) or parcel.rows_of(target)
        rows.append((None, data, None, ()))
        parcel.offsets[key] = progress.last = offset.copy()
        parcel.records += 1
        parcel.bytes += len(data) + ROW_OVERHEAD
        crowded = parcel.bytes >= outbox.room
        if parcel.records in (1, outbox.max_records) or crowded or parcel.bytes >= outbox.max_bytes:
            outbox.touched()
        return crowded

    return take
