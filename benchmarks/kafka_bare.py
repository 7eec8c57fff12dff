"""The bare loop on Kafka: the same file, decoder and Avro writer, transactions, and nothing else.

Usage: python -m benchmarks.kafka_bare LINES BOOTSTRAP TOPIC; prints records per second.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import fastavro
import msgspec
from confluent_kafka import Producer

from benchmarks.bare import FIELDS

COMMIT = 20_000
POLL = 500


def loop(lines: str, bootstrap: str, topic: str) -> float:
    """Return records per second, from the first line to the last commit."""
    fields = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    schema = fastavro.parse_schema({"type": "record", "name": "r", "fields": fields})
    decode, write = msgspec.json.Decoder().decode, fastavro.schemaless_writer
    properties = {
        "bootstrap.servers": bootstrap,
        "transactional.id": topic,
        "linger.ms": 5,
        "compression.type": "lz4",
    }
    producer = Producer(properties)
    producer.init_transactions(30)
    began = time.perf_counter()
    count = position = 0
    producer.begin_transaction()
    with Path(lines).open("rb") as file:
        for line in file:
            position += len(line)
            buffer = io.BytesIO()
            write(buffer, schema, decode(line))
            _produce(producer, topic, b"\0\0\0\0\1" + buffer.getvalue())
            count += 1
            if count % POLL == 0:
                producer.poll(0)
            if count % COMMIT == 0:
                _commit(producer, topic, position)
                producer.begin_transaction()
    _commit(producer, topic, position)
    return count / (time.perf_counter() - began)


def _produce(producer: Any, topic: str, value: bytes) -> None:
    while True:
        try:
            producer.produce(topic, value, partition=0)
        except BufferError:
            producer.poll(0.01)
        else:
            return


def _commit(producer: Any, topic: str, position: int) -> None:
    producer.produce(f"{topic}-offsets", str(position), "p", partition=0)
    producer.commit_transaction(60)


if __name__ == "__main__":
    print(loop(*sys.argv[1:]))
