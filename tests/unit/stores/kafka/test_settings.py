"""Properties of clients: what goes before what."""

from __future__ import annotations

import pytest

from connectors_core.stores.kafka.settings import (
    KafkaSettings,
    ProducerOptions,
    producer_properties,
)


@pytest.mark.parametrize(
    ("worker", "connector", "sent"),
    [
        ({}, {}, "lz4"),
        ({"compression.type": "zstd"}, {}, "zstd"),
        ({"compression.type": "zstd"}, {"compression.type": "none"}, "none"),
    ],
)
def test_records_are_compressed_unless_the_worker_or_the_connector_says_otherwise(
    worker: dict[str, str], connector: dict[str, str], sent: str
) -> None:
    options = ProducerOptions(overrides=connector)
    assert producer_properties(KafkaSettings(worker), options)["compression.type"] == sent


def test_no_setting_weakens_the_guarantee() -> None:
    careless = {
        "acks": "1",
        "enable.idempotence": "false",
        "max.in.flight.requests.per.connection": "5",
    }
    properties = producer_properties(KafkaSettings(careless), ProducerOptions(overrides=careless))
    assert {name: properties[name] for name in careless} == {
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 1,
    }
