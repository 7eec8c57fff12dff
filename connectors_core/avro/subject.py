"""Subject: the name under which a registry keeps the versions of a schema."""

from __future__ import annotations

from typing import Literal, TypeAlias

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema
from connectors_core.api.schema_names import record_name

Strategy: TypeAlias = Literal["TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"]
"""Confluent's names, by the last part of their classes in `io.confluent.kafka.serializers`."""


def subject_of(strategy: Strategy, topic: str, part: str, schema: Schema | None) -> str:
    """Return the subject of a schema; `part` is `key` or `value`.

    None stands for the schema that is learnt from a topic's values: its record has the topic's
    name. Raises SchemaError for a schema without a name, unless only the topic counts.
    """
    if strategy == "TopicNameStrategy":
        return f"{topic}-{part}"
    name = record_name(topic) if schema is None else _name(schema, strategy)
    return name if strategy == "RecordNameStrategy" else f"{topic}-{name}"


def _name(schema: Schema, strategy: Strategy) -> str:
    definition = schema.definition
    if isinstance(definition, dict) and "name" in definition:
        return schema.name
    raise SchemaError(
        f"the {schema.name} of this topic has no name of its own, as subject.name.strategy ="
        f" {strategy} needs. Give a record, or take TopicNameStrategy.",
        code="schema.subject",
    )
