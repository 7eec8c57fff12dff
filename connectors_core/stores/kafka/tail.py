"""Reads a topic from where it was left to its end, and knows for sure that it is the end.

The end is the high watermark that a fresh, read-uncommitted consumer is told. `AdminClient`
answers -1001 during a failover without an error; a read-committed consumer, and the end-of-partition
event, take the last stable offset for the end, which is too early while a transaction is open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from confluent_kafka import OFFSET_END, KafkaError, KafkaException, TopicPartition

from connectors_core.api.errors import ConfigError, OffsetError, StoreUnreachable
from connectors_core.stores.kafka import client
from connectors_core.stores.kafka.failure import passes, translated
from connectors_core.stores.kafka.settings import KafkaSettings

Take = Callable[[Any], None]
"""Takes one message of the client."""
READ_SECONDS = 30.0
"""Beside the longest time for which a transaction of ours may keep a partition unstable."""
_AT_ONCE = 2000
_AGAIN_SECONDS = 0.1
_SILENT_SECONDS = 5.0
_MOVING_SECONDS = 30.0
"""A reading that goes on may take as long as it takes."""
_WAIT_SECONDS = 0.01
"""Short: `consume` waits so long for more, even if it has some."""


def read_to_end(
    settings: KafkaSettings,
    topic: str,
    partitions: int,
    positions: dict[int, int],
    take: Take,
    seconds: float | None = None,
) -> None:
    """Give every committed record from `positions` on, and move those; an absent one is the start.

    Blocking. Raises StoreError `kafka.timeout` if the end is not reached in `seconds`, by default as
    long as an unfinished transaction may take (it is never taken for empty), OffsetError
    `offset.lost` if the topic ends before a position.
    """
    if seconds is None:
        seconds = settings.transaction_timeout_ms / 1000 + READ_SECONDS
    deadline = time.monotonic() + seconds
    ends = end_offsets(settings, topic, range(partitions), deadline)
    for partition, end in ends.items():
        if positions.get(partition, 0) > end:
            raise OffsetError(
                f"partition {partition} ends at {end}, but was read to {positions[partition]}"
                " before: the topic was deleted or has lost data. Restore it, or reset the"
                " connector's offsets.",
                code="offset.lost",
                place=topic,
            )
    waiting = {partition for partition, end in ends.items() if positions.get(partition, 0) < end}
    if waiting:
        _read(settings, topic, ends, waiting, positions, take, deadline)


def end_offsets(
    settings: KafkaSettings, topic: str, partitions: Iterable[int], deadline: float
) -> dict[int, int]:
    """Return the high watermark of each partition: where what is written from now on begins."""
    ends: dict[int, int] = {}
    waiting = list(partitions)
    while True:
        try:
            _ask_ends(settings, topic, waiting, ends, deadline)
        except KafkaException as error:
            fault = translated(error, f"asking where partitions {waiting} end", topic)
            if isinstance(fault, ConfigError) or time.monotonic() > deadline:
                raise fault from error
        waiting = [each for each in waiting if each not in ends]
        if not waiting:
            return ends
        if time.monotonic() > deadline:
            raise _late(topic, set(waiting))
        time.sleep(_AGAIN_SECONDS)


def _ask_ends(
    settings: KafkaSettings,
    topic: str,
    partitions: Sequence[int],
    ends: dict[int, int],
    deadline: float,
) -> None:
    # Each try has a client of its own: one that was told "no such partition" by a broker which had
    # just been started was seen to say so for minutes after the broker knew better.
    asking = client.consumer(settings, committed=False)
    seconds = max(min(deadline - time.monotonic(), 5.0), 0.1)
    asked = [TopicPartition(topic, each, OFFSET_END) for each in partitions]
    try:
        # One request to each leader, where get_watermark_offsets asks for each partition in turn:
        # 25 were 17 s at 300 ms each way.
        answers = asking.offsets_for_times(asked, timeout=seconds)
    finally:
        asking.close()
    for found in answers:
        # What nobody answered keeps a number below 0: it is never taken for an end.
        if found.error is None and found.offset >= 0:
            ends[found.partition] = int(found.offset)
    if errors := [found.error for found in answers if found.error is not None]:
        raise KafkaException(errors[0])


def _read(
    settings: KafkaSettings,
    topic: str,
    ends: dict[int, int],
    waiting: set[int],
    positions: dict[int, int],
    take: Take,
    deadline: float,
) -> None:
    while waiting:
        reader = client.consumer(settings, committed=True)
        try:
            reader.assign([TopicPartition(topic, each, positions.get(each, 0)) for each in waiting])
            moved = time.monotonic()
            # As for the ends: a client that hears nothing may wait for what is there long since.
            while waiting and time.monotonic() - moved < _SILENT_SECONDS:
                if time.monotonic() > deadline:
                    raise _late(topic, waiting)
                for message in reader.consume(_AT_ONCE, timeout=_WAIT_SECONDS):
                    partition = message.partition()
                    at = _position_after(message, topic, take)
                    if at > positions.get(partition, 0):
                        positions[partition], moved = at, time.monotonic()
                        deadline = max(deadline, moved + _MOVING_SECONDS)
                    if at >= ends[partition]:
                        waiting.discard(partition)
        finally:
            reader.close()


def _position_after(message: Any, topic: str, take: Take) -> int:
    """Hand a record on; return where its partition goes on, markers of transactions included."""
    error = message.error()
    if error is None:
        take(message)
        return int(message.offset()) + 1
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - public in all but name
        return int(message.offset())
    if passes(error):
        return -1
    raise translated(KafkaException(error), "reading the topic", topic)


def _late(topic: str, partitions: set[int]) -> StoreUnreachable:
    return StoreUnreachable(
        f"the end of partition {', '.join(map(str, sorted(partitions)))} was not reached in time. An"
        " unfinished transaction of another producer may hold it, or its leader is gone; tried"
        " again after a while.",
        code="kafka.timeout",
        place=topic,
    )
