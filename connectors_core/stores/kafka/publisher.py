"""Publisher: single records outside of any transaction, durable when it returns."""

from __future__ import annotations

import threading
import time
from typing import Any

from confluent_kafka import KafkaException

from connectors_core.api.errors import StoreUnreachable
from connectors_core.stores.kafka.client import producer
from connectors_core.stores.kafka.failure import translated
from connectors_core.stores.kafka.settings import (
    KafkaSettings,
    ProducerOptions,
    producer_properties,
)

PUBLISH_SECONDS = 30.0


class Publisher:
    """Writes to the one partition of a topic; made when it is first needed. Any thread."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._producer: Any = None
        self._lock = threading.Lock()
        self._closed = False

    def publish(self, key: bytes, value: bytes) -> None:
        """Write a record. Blocking; raises StoreUnreachable unless all in-sync replicas have it."""
        failures: list[Any] = []
        done = threading.Event()

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                failures.append(error)
            done.set()

        with self._lock:
            try:
                self._open()
                self._producer.produce(self._topic, value, key, partition=0, on_delivery=delivered)
                deadline = time.monotonic() + PUBLISH_SECONDS
                while (
                    self._producer.flush(0.5) and time.monotonic() < deadline and not self._closed
                ):
                    pass
            except KafkaException as error:
                raise translated(error, "writing to the topic", self._topic) from error
        if failures:
            raise translated(KafkaException(failures[0]), "writing to the topic", self._topic)
        if not done.is_set():
            raise StoreUnreachable(
                f"no broker took a record within {PUBLISH_SECONDS:.0f} s. Check that enough replicas"
                " are in sync (min.insync.replicas).",
                code="kafka.timeout",
                place=self._topic,
            )

    def close(self) -> None:
        """Let go of connections; who is publishing gives up. Idempotent."""
        self._closed = True
        with self._lock:
            self._producer = None

    def _open(self) -> None:
        if self._producer is None:
            properties = producer_properties(self._settings, ProducerOptions())
            # Written twice, such a record says the same; an idempotent producer starts 0.5 s later.
            properties |= {
                "delivery.report.only.error": False,
                "enable.idempotence": False,
                "linger.ms": 0,
            }
            self._producer = producer(properties)
