"""Times of a connector's producer that must fit to each other and to the worker's."""

from __future__ import annotations

from collections.abc import Iterator

from connectors_core.api.errors import ConfigError
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.notation import Problems, separate
from connectors_core.configs.overrides import PREFIX
from connectors_core.configs.properties import ALIASES
from connectors_core.configs.tree import Mark
from connectors_core.configs.worker.place import KafkaPlace

DELIVERY, LINGER = "delivery.timeout.ms", "linger.ms"
_DELIVERY_MS, _LINGER_MS = 300_000.0, 5.0
"""What librdkafka's and the store's own defaults are."""


def misfits(connector: ConnectorConfig, kafka: KafkaPlace) -> Iterator[ConfigError]:
    """Give what Kafka's client would refuse when the connector's producer is made."""
    options = connector.options
    said = {**kafka.client, **options.producer_override}
    limit = float(kafka.transaction_timeout_ms) if options.exactly_once else _DELIVERY_MS
    delivery = float(said.get(DELIVERY, limit)) or limit
    linger = float(said.get(LINGER, _LINGER_MS))
    if options.exactly_once and delivery > limit:
        yield _problem(
            connector,
            DELIVERY,
            f"is {delivery:.0f}, longer than a transaction may take ({limit:.0f}). Lower it, or"
            " raise transaction.timeout.ms in worker.yaml.",
        )
    if linger >= delivery:
        yield _problem(
            connector,
            LINGER,
            f"is {linger:.0f}, and a record is given up after {delivery:.0f} ms. Lower it.",
        )


def _problem(connector: ConnectorConfig, name: str, fault: str) -> ConfigError:
    own = name in connector.options.producer_override
    called = f"{PREFIX}.{name}:" if own else f"the worker's kafka.{name}"
    place = f"{connector.path}:{_mark(connector, name).line}"
    return ConfigError(f"{called} {fault}", code="config.override", place=place)


def _mark(connector: ConnectorConfig, name: str) -> Mark:
    framework, _ = separate(connector.raw, Problems(str(connector.path)))
    spelt = (name, *(other for other, known in ALIASES.items() if known == name))
    given = next((f"{PREFIX}.{each}" for each in spelt if f"{PREFIX}.{each}" in framework), "name")
    return framework.mark(given)
