"""What a worker's file takes, beside connectors' files: names are Kafka Connect's where it has one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors_core.api.config import Milliseconds, Name


class WorkerOptions(BaseModel):
    """The settings of `worker.yaml`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    kafka: dict[str, str] = Field(
        {},
        description="`kafka.bootstrap.servers` and any other property of Kafka's client"
        " (librdkafka); without it the log is the file in `data.dir`.",
    )
    offsets_topic: Name = Field(
        "pyconnect-offsets",
        alias="offsets.storage.topic",
        description="Committed offsets; transactional ids begin with its name.",
    )
    claims_topic: Name = Field(
        "pyconnect-claims",
        alias="claims.storage.topic",
        description="Which worker owns which connector.",
    )
    schemas_topic: Name = Field(
        "pyconnect-schemas",
        alias="schemas.storage.topic",
        description="Schemas, where no registry is named.",
    )
    transaction_timeout_ms: Milliseconds = Field(
        60_000,
        alias="transaction.timeout.ms",
        description="A transaction that is open for longer is aborted by the brokers, which allow"
        " 15 minutes at most unless told otherwise.",
        ge=1000,
        le=2_147_483_647,
    )
    data_dir: str = Field(
        "pyconnect-data",
        alias="data.dir",
        description="Where the log, or on Kafka the worker's own files, is kept.",
        min_length=1,
    )
