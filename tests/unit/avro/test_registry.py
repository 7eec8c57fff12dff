"""The embedded registry: the same schema, the same id, and nothing lost until it is stored."""

from __future__ import annotations

import pytest

from connectors_core.api.errors import DataError
from connectors_core.api.schema import Schema
from connectors_core.api.store import SchemaRow
from connectors_core.avro.registry import EmbeddedRegistry

LONG, TEXT = Schema.avro("long"), Schema.avro("string")


def test_registering_twice_is_registering_once() -> None:
    registry = EmbeddedRegistry()
    assert registry.register("t-value", LONG) == registry.register("t-value", LONG) == LONG.id
    assert len(registry.rows()) == len(registry.pending()) == 1


def test_workers_agree_on_ids_without_talking() -> None:
    one, other = EmbeddedRegistry(), EmbeddedRegistry()
    other.register("else", TEXT)
    assert one.register("t", LONG) == other.register("t", LONG)


def test_versions_count_within_the_subject() -> None:
    registry = EmbeddedRegistry()
    for subject, schema in (("a", LONG), ("a", TEXT), ("b", TEXT), ("a", LONG)):
        registry.register(subject, schema)
    assert [(row.subject, row.version) for row in registry.rows()] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
    ]
    assert registry.latest("a") == TEXT
    assert registry.latest("c") is None


def test_rows_wait_until_they_are_durable() -> None:
    registry = EmbeddedRegistry()
    registry.register("t", LONG)
    first = registry.pending()
    registry.register("t", TEXT)
    registry.durable(first)
    assert [row.id for row in registry.pending()] == [TEXT.id]
    registry.durable(first)
    registry.durable(registry.pending())
    assert registry.pending() == []


def test_a_new_run_knows_what_was_stored() -> None:
    registry = EmbeddedRegistry()
    registry.register("t", LONG)
    registry.register("t", TEXT)
    again = EmbeddedRegistry(reversed(registry.rows()))
    assert again.latest("t") == TEXT
    assert again.schema(LONG.id) == LONG
    assert again.pending() == []
    assert again.register("t", LONG) == LONG.id


def test_an_id_that_another_schema_has_is_never_shared() -> None:
    taken = [SchemaRow("a", 1, LONG.id, TEXT.text), SchemaRow("b", 1, LONG.id + 1, '"int"')]
    registry = EmbeddedRegistry(taken)
    assert registry.register("t", LONG) == LONG.id + 2
    assert registry.pending() == [SchemaRow("t", 1, LONG.id + 2, '"long"')]
    assert registry.schema(LONG.id) == TEXT
    assert registry.schema(LONG.id + 2) == LONG
    assert EmbeddedRegistry([*taken, *registry.pending()]).register("t", LONG) == LONG.id + 2


def test_the_candidates_go_round_at_31_bits() -> None:
    class Last(Schema):
        __slots__ = ()

        @property
        def id(self) -> int:
            return (1 << 31) - 1

    registry = EmbeddedRegistry([SchemaRow("a", 1, (1 << 31) - 1, TEXT.text)])
    assert registry.register("t", Last("long")) == 0


def test_an_unknown_id_is_a_data_error() -> None:
    with pytest.raises(DataError, match="no schema has the id 7"):
        EmbeddedRegistry().schema(7)
