"""Kafka's clients, made in one place: what they say goes to our log, as debug lines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from connectors_core.stores.kafka.settings import (
    KafkaSettings,
    client_properties,
    consumer_properties,
)

log = logging.getLogger(__name__)
Hear = Callable[[str], None]


def consumer(settings: KafkaSettings, *, committed: bool) -> Any:
    """Return a consumer of no group; `committed` reads to the last stable offset only."""
    return Consumer(consumer_properties(settings, committed=committed), logger=_logger(_nothing))


def producer(properties: dict[str, Any], hear: Hear | None = None) -> Any:
    """Return a producer; `hear` gets every line of its log, on the thread that polls it."""
    return Producer(properties, logger=_logger(hear or _nothing))


def admin(settings: KafkaSettings, fault: Callable[[Any], None]) -> Any:
    """Return a client that makes and describes topics.

    `fault` gets the KafkaError of each connection that can't be had, on the thread that polls it.
    """
    properties = {**client_properties(settings), "error_cb": fault}
    return AdminClient(properties, logger=_logger(_nothing))


def _nothing(text: str) -> None:
    pass


def _logger(hear: Hear) -> logging.Logger:
    # Not from getLogger: that keeps every logger for ever, and each client has its own.
    logger = logging.Logger("confluent_kafka", logging.INFO)  # noqa: LOG001 - as said
    logger.addHandler(_Listener(hear))
    return logger


class _Listener(logging.Handler):
    def __init__(self, hear: Hear) -> None:
        super().__init__()
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._hear(text)
        log.debug("kafka client", extra={"text": text})
