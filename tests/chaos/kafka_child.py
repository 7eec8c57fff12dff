"""`pyconnect run` on Kafka, watched, frozen at a named point, or with a bug planted in it.

Usage: kafka_child.py BUG FLAG-FILE [arguments of pyconnect]

Bytes of the flag file: 0 a commit is under way, 1 one with records has succeeded, 2 time went on
after a freeze, 3 a commit failed after that, 4 the next commit has begun ahead. `PYCONNECT_FREEZE=point:n` stops the process by
SIGSTOP at the n-th arrival at a point of the commit, with all that was produced on the broker.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition

from connectors_core.cli import main
from connectors_core.runtime import crash
from connectors_core.runtime.murmur2 import partition_for
from connectors_core.stores.kafka import client, position, session, tail
from connectors_core.stores.kafka.claim import Claims
from connectors_core.stores.kafka.settings import client_properties
from connectors_core.stores.kafka.slot import KafkaSlot

SECONDS = 30.0
INSIDE, STORED, THAWED, REFUSED, STAGED = range(5)


def watch(flag: mmap.mmap) -> None:
    """Tell of every commit in the flag file."""
    commit, stage = KafkaSlot.commit, KafkaSlot.stage

    def watched_stage(self: KafkaSlot, transaction: Any) -> None:
        stage(self, transaction)
        flag[STAGED] = self._staged is not None

    def watched(self: KafkaSlot, transaction: Any) -> None:
        flag[INSIDE], flag[STAGED] = 1, 0
        try:
            commit(self, transaction)
            flag[STORED] |= bool(transaction.rows)
        except BaseException:
            flag[REFUSED] = flag[THAWED]
            raise
        finally:
            flag[INSIDE] = 0

    KafkaSlot.commit = watched  # type: ignore[method-assign]
    KafkaSlot.stage = watched_stage  # type: ignore[method-assign]


def freeze_at(point: str, arrival: int, flag: mmap.mmap) -> None:
    """Stop this process at an arrival at a point; SIGCONT lets it go on."""
    reach, store, left = crash.reach, KafkaSlot._store, [arrival]
    sessions: list[Any] = []

    def stored(self: KafkaSlot, session: Any, transaction: Any) -> None:
        sessions[:] = [session]
        store(self, session, transaction)

    def reached(at: str) -> None:
        reach(at)
        left[0] -= at == point
        if at == point and not left[0]:
            if at != "begin":
                sessions[0]._producer.flush(SECONDS)
            os.kill(os.getpid(), signal.SIGSTOP)
            flag[THAWED] = 1

    KafkaSlot._store = stored  # type: ignore[method-assign]
    crash.reach = reached


def unfenced() -> None:
    """Give every producer a transactional id of its own, and never look at claims."""
    producer = session.producer

    def own(properties: Any, *hear: Any) -> Any:
        return producer({**properties, "transactional.id": f"own-{uuid.uuid4().hex}"}, *hear)

    session.producer = own
    unclaimed()


def unclaimed() -> None:
    """Never look at claims."""
    Claims.check = lambda self, connector, claim: None  # type: ignore[method-assign]


def offsets_outside() -> None:
    """Write offsets by a producer that knows no transactions."""

    def store_offsets(self: KafkaSlot, session: Any, offsets: Any) -> None:
        settings = self._cluster.settings
        outside = client.producer(client_properties(settings))
        for (connector, partition), offset in offsets.items():
            key = position.encoded(connector, partition)
            number = partition_for(key, self._cluster.offsets_partitions)
            value = None if offset is None else offset.encode()
            outside.produce(settings.offsets_topic, value, key, number)
        outside.flush(SECONDS)

    KafkaSlot._store_offsets = store_offsets  # type: ignore[method-assign]


def stable_end() -> None:
    """Take for the end of a topic what a reader of committed records takes for it."""

    def stable(settings: Any, topic: str, partitions: Any, deadline: float) -> dict[int, int]:
        reader = client.consumer(settings, committed=True)
        try:
            places = {each: TopicPartition(topic, each) for each in partitions}
            return {each: reader.get_watermark_offsets(place)[1] for each, place in places.items()}
        finally:
            reader.close()

    tail.end_offsets = stable


def state_first() -> None:
    """Put keyed state into the local copy before its transaction has ended."""
    store = KafkaSlot._store_state

    def store_state(self: KafkaSlot, session: Any, transaction: Any) -> None:
        store(self, session, transaction)
        for (connector, partition), values in transaction.state.items():
            changes = [(partition, key, text) for key, text in values.items()]
            self._copies.apply(connector, changes)

    KafkaSlot._store_state = store_state  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    "unfenced": unfenced,
    "unclaimed": unclaimed,
    "offsets-outside": offsets_outside,
    "stable-end": stable_end,
    "state-first": state_first,
    "none": lambda: None,
}


def run(bug: str, flag_file: str) -> None:
    """Be the worker."""
    BUGS[bug]()
    with Path(flag_file).open("r+b") as file:
        flag = mmap.mmap(file.fileno(), 8)
    if frozen := os.environ.get("PYCONNECT_FREEZE"):
        point, _, arrival = frozen.partition(":")
        freeze_at(point, int(arrival), flag)
    watch(flag)
    main()


if __name__ == "__main__":
    bug, flag_file = sys.argv[1:3]
    sys.argv[1:3] = []
    run(bug, flag_file)
