"""Opens the log of a place: as its owner, or to read beside the owner."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import LogReader, Store
from connectors_core.app.client import refusal
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.timeouts import misfits
from connectors_core.configs.worker import find
from connectors_core.configs.worker.place import Asked, KafkaPlace, LogPlace
from connectors_core.runtime import crash
from connectors_core.stores.embedded import FILE_NAME, EmbeddedReader, EmbeddedStore
from connectors_core.stores.embedded.files import prepare_directory
from connectors_core.stores.embedded.lock import OwnerLock

if TYPE_CHECKING:
    from connectors_core.stores.kafka import KafkaSettings


def find_place(asked: Asked) -> LogPlace:
    """Return where the log is, by the command line, the environment and the worker's file.

    Raises ConfigError with all that is wrong with them. Kafka's client is loaded only if a cluster
    is named.
    """
    return find.place(asked, os.environ, refusal)


def find_data_dir(asked: Asked) -> Path:
    """Return the data directory of a worker, whatever is said of Kafka."""
    return find.data_dir(asked, os.environ)


@contextmanager
def owned_store(place: LogPlace, connectors: Sequence[ConnectorConfig] = ()) -> Iterator[Store]:
    """Own the data directory and open its log, or the cluster, until the end. Blocking.

    `connectors` are those that will write. Raises StoreError, with the code `store.locked` and the
    other process's id while a run lives in the same data directory.
    """
    with ExitStack() as stack:
        if place.kafka is None:
            store: Store = EmbeddedStore(place.data_dir / FILE_NAME, crash=crash.reach)
        else:
            prepare_directory(place.data_dir)
            # The embedded log's own lock: both kinds of worker have their control socket here.
            lock = OwnerLock(place.data_dir / FILE_NAME, named=place.data_dir)
            stack.callback(lock.release)
            store = _kafka_store(place, place.kafka, connectors)
        stack.callback(store.close)
        yield store


def open_reader(place: LogPlace) -> LogReader:
    """Read what is committed, also while a run writes. ConfigError if nothing was written yet."""
    if place.kafka is None:
        return EmbeddedReader(place.data_dir / FILE_NAME)
    from connectors_core.stores.kafka import KafkaReader

    return KafkaReader(kafka_settings(place.kafka))


def require_cluster(kafka: KafkaPlace) -> None:
    """Ask the cluster what it has. Blocking; raises StoreError if nobody answers, ConfigError if it
    lets nobody in."""
    from connectors_core.stores.kafka.topics import Topics

    topics = Topics(kafka_settings(kafka))
    try:
        topics.metadata()
    finally:
        topics.close()


def delete_topics(kafka: KafkaPlace, prefix: str) -> None:
    """Delete every topic whose name begins so, and what they hold. Blocking; StoreError."""
    from connectors_core.stores.kafka.topics import Topics

    topics = Topics(kafka_settings(kafka))
    try:
        topics.delete(name for name in topics.all() if name.startswith(prefix))
    finally:
        topics.close()


def check_store(place: LogPlace) -> list[str]:
    """Read the whole embedded log; return what is wrong with it, a line each."""
    if place.kafka is not None:
        raise ConfigError(
            f"the log is on Kafka, as {place.kafka.said_by} says, and the brokers look after it."
            " `store check` is for the log in a data directory.",
            code="config.store",
        )
    reader = EmbeddedReader(place.data_dir / FILE_NAME)
    try:
        return reader.check()
    finally:
        reader.close()


def check_producers(place: LogPlace, connectors: Sequence[ConnectorConfig]) -> None:
    """Raise one ConfigError with what is right in each file, and does not fit to the worker."""
    if place.kafka is None:
        return
    problems = [problem for each in connectors for problem in misfits(each, place.kafka)]
    if problems:
        raise ConfigError.of(problems)


def _kafka_store(
    place: LogPlace, kafka: KafkaPlace, connectors: Sequence[ConnectorConfig]
) -> Store:
    from connectors_core.stores.kafka import KafkaStore, ProducerOptions

    producers = {
        each.name: ProducerOptions(each.options.exactly_once, each.options.producer_override)
        for each in connectors
    }
    return KafkaStore(kafka_settings(kafka), place.data_dir, producers, crash=crash.reach)


def kafka_settings(kafka: KafkaPlace) -> KafkaSettings:
    from connectors_core.stores.kafka import KafkaSettings

    return KafkaSettings(
        client=kafka.client,
        offsets_topic=kafka.offsets_topic,
        claims_topic=kafka.claims_topic,
        schemas_topic=kafka.schemas_topic,
        transaction_timeout_ms=kafka.transaction_timeout_ms,
    )
