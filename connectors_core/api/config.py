"""Config: a plugin's options as a pydantic model, and the framework's own options beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# Fifteen digits are enough for any duration or size, and never overflow a float.
_DURATION = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d)\s*")
_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(B|KiB|MiB|GiB)\s*")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _milliseconds(value: Any) -> Any:
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)):
        return round(float(found[1]) * _UNITS[found[2]])
    return value


def _bytes(value: Any) -> Any:
    if isinstance(value, str) and (found := _SIZE.fullmatch(value)):
        return round(float(found[1]) * _SIZES[found[2]])
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """Says in plain words what an annotated type takes; shown in errors and in the reference."""

    text: str


Milliseconds = Annotated[
    int,
    BeforeValidator(_milliseconds),
    Kind("a whole number of milliseconds or a time such as 30s"),
]
"""A whole number of ms, or text such as `250ms`, `30s`, `5m`, `1h`, `7d`."""
Bytes = Annotated[
    int, BeforeValidator(_bytes), Kind("a whole number of bytes or a size such as 16MiB")
]
"""A whole number of bytes, or text such as `512KiB`, `16MiB`."""
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$"),
    Kind("a name of 1 to 249 of the characters A-Z a-z 0-9 . _ -"),
]
"""A name that Kafka takes for a topic; `.` and `..` are refused where files are read."""


class Config(BaseModel):
    """The options of a plugin. Every field has a description; unknown keys are errors.

    Field names are snake_case and MUST NOT be those of the framework. Secrets are `SecretStr`.
    """

    # Invariant 9: a value, which may be a secret, is not shown in pydantic's own errors.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _option(alias: str, default: Any, description: str, **limits: Any) -> Any:
    return Field(default, alias=alias, description=description, **limits)


class ConnectorOptions(BaseModel):
    """What the framework itself reads of a connector's file; the names are Kafka Connect's."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    name: Name = Field(description="The connector's name: its identity, offsets are kept under it.")
    connector_class: str = Field(
        alias="connector.class", description="The source plugin, as `name` or `dist:name`."
    )
    tasks_max: int = _option(
        "tasks.max", 1, "The most tasks that the partitions are spread over.", ge=1, le=10_000
    )
    topic: Name | None = _option("topic", None, "The default topic; the connector's name if unset.")
    topics: dict[str, Name] = _option(
        "topics", {}, "Logical topic of the source to topic: `topics.<name>`."
    )
    transforms: list[str] = _option(
        "transforms", [], "A list of one-key maps, or aliases as in Connect; kept: the aliases."
    )
    predicates: list[str] = _option(
        "predicates", [], "Predicates by alias, for the transforms; kept: the aliases."
    )
    key_converter: str = _option("key.converter", "avro", "avro, json, string, bytes, or a plugin.")
    value_converter: str = _option("value.converter", "avro", "As `key.converter`.")
    errors_tolerance: Literal["none", "all"] = _option(
        "errors.tolerance", "none", "`none`: a bad record fails its task; `all`: dead letters."
    )
    dead_letter_topic: Name | None = _option(
        "errors.deadletterqueue.topic.name", None, "Dead letters; `<connector>-dlq` if unset."
    )
    topic_creation: dict[str, dict[str, Any]] = _option(
        "topic.creation", {}, "`topic.creation.default.*` and groups, as in Connect."
    )
    commit_linger_ms: Milliseconds | None = _option(
        "commit.linger.ms",
        None,
        "Time from the last commit to the next; 5 embedded, 50 on Kafka.",
        ge=0,
        le=60_000,
    )
    commit_max_records: int | None = _option(
        "commit.max.records",
        None,
        "Commit at once when this many records wait; 1,000 embedded, 10,000 on Kafka.",
        ge=1,
    )
    commit_max_bytes: Bytes | None = _option(
        "commit.max.bytes",
        None,
        "Commit at once when this many bytes wait; 1 MiB embedded, 4 MiB on Kafka.",
        ge=1024,
    )
    read_ahead_bytes: Bytes = _option(
        "read.ahead.bytes",
        8 << 20,
        "Bytes a task may hold that are not committed, beside the open unit of each partition.",
        ge=1024,
    )
    batch_max_bytes: Bytes = _option(
        "batch.max.bytes", 16 << 20, "The largest record, Batch or unit.", ge=1024
    )
    partitions_refresh_ms: Milliseconds = _option(
        "partitions.refresh.ms", 60_000, "How often the source is asked for its partitions.", ge=100
    )
    exactly_once: bool = _option(
        "exactly.once",
        True,
        "On Kafka: records and offsets in one transaction; `false`: each record at least once. The"
        " embedded log is always exact.",
    )
    producer_override: dict[str, str] = _option(
        "producer.override",
        {},
        "On Kafka: properties of this connector's producer, from a list: `producer.override.*`.",
    )
    restart_delay_ms: Milliseconds = _option(
        "restart.delay.ms", 1000, "First wait before a restart; doubles, with jitter.", ge=0
    )
    restart_delay_max_ms: Milliseconds = _option(
        "restart.delay.max.ms", 60_000, "The longest wait before a restart.", ge=0
    )
    restart_max: int = _option(
        "restart.max",
        10,
        "Restarts in a row without a committed record before FAILED; -1 = no end. A store that does"
        " not answer is waited for without end, and does not count.",
        ge=-1,
    )
    offset_reset: Literal["fail", "restart"] = _option(
        "offset.reset", "fail", "On OffsetError: `fail`, or `restart` from the start."
    )
    schema_evolution: Literal["evolve", "freeze"] = _option(
        "schema.evolution", "evolve", "Whether a schema may change with its values."
    )
