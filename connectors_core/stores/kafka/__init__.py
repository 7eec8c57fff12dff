"""The log on a Kafka cluster: records, offsets and keyed state in one of its transactions.

The only importer of confluent_kafka's producer, consumer and admin client.
"""

from connectors_core.stores.kafka.reader import KafkaReader
from connectors_core.stores.kafka.settings import KafkaSettings, ProducerOptions
from connectors_core.stores.kafka.store import KafkaStore

__all__ = ["KafkaReader", "KafkaSettings", "KafkaStore", "ProducerOptions"]
