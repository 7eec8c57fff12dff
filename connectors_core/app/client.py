"""Asks Kafka's client about properties, without making a client."""

from __future__ import annotations

_NONE_SUCH = "no.such.property"


def refusal(name: str, value: str) -> str | None:
    """Return None if Kafka's client takes the property, "" if it knows none of that name, else
    what it says against the value."""
    from confluent_kafka import KafkaException, Producer

    try:
        # Properties are set in order, and the second one fails: no client is ever made.
        Producer({name: value, _NONE_SUCH: ""})
    except KafkaException as error:
        said = str(error.args[0].str()).strip()
    except (TypeError, ValueError) as error:
        return str(error)
    if not said.startswith("No such configuration property"):
        return said
    return None if _NONE_SUCH in said else ""
