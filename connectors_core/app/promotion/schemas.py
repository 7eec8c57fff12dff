"""Schemas: those of the log that the cluster does not have yet, under the same ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors_core.api.errors import ConfigError
from connectors_core.api.schema import Schema
from connectors_core.api.store import SchemaRow


def missing(here: Sequence[SchemaRow], there: Sequence[SchemaRow]) -> list[SchemaRow]:
    """Return the rows to register: those of the log that are not there, as newer versions.

    Records name a schema by its id, so an id that is another schema on Kafka is a ConfigError.
    """
    known = {row.id: row for row in there}
    problems = [
        _taken(row, known[row.id])
        for row in here
        if row.id in known and Schema.avro(row.avro) != Schema.avro(known[row.id].avro)
    ]
    if problems:
        raise ConfigError.of(problems)
    has = {(row.subject, row.id) for row in there}
    newest = {row.subject: 0 for row in here}
    for row in there:
        newest[row.subject] = max(newest.get(row.subject, 0), row.version)
    found = []
    for row in here:
        if (row.subject, row.id) not in has:
            newest[row.subject] += 1
            found.append(replace(row, version=newest[row.subject]))
    return found


def _taken(row: SchemaRow, other: SchemaRow) -> ConfigError:
    return ConfigError(
        f"version {row.version} has the id {row.id}, which on Kafka is another schema, of"
        f" {other.subject}: records of the two could not be told apart. Promote to a cluster, or with"
        " a `schemas.storage.topic`, of its own.",
        code="promote.schema",
        place=row.subject,
    )
