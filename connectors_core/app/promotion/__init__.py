"""From the embedded log to Kafka: records, schemas, offsets and keyed state, once and in order."""

from connectors_core.app.promotion.promote import Order, promote
from connectors_core.app.promotion.report import (
    ConnectorProof,
    PartitionProof,
    Progress,
    Report,
    TopicPlan,
)

__all__ = [
    "ConnectorProof",
    "Order",
    "PartitionProof",
    "Progress",
    "Report",
    "TopicPlan",
    "promote",
]
