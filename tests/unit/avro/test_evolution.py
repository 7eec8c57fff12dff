"""Evolution: a reader with the new schema reads what was written with the old, always."""

from __future__ import annotations

import datetime
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema
from connectors_core.avro.codec import encoder
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.evolution import backward, evolve, learn
from connectors_core.avro.registry import EmbeddedRegistry

PAGE = Path(__file__).parents[3] / "docs/reference/schema-evolution.md"
KEYS = st.sampled_from(["a", "b", "@c", "_x41_"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text("ab", max_size=2)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
DICTS = st.dictionaries(KEYS, VALUES, max_size=4)


def read_as(reader: Schema, writer: Schema, data: bytes) -> Any:
    return fastavro.schemaless_reader(
        io.BytesIO(data),
        fastavro.parse_schema(writer.definition),
        fastavro.parse_schema(reader.definition),
    )


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(DICTS, min_size=1, max_size=4), st.lists(DICTS, max_size=4))
def test_a_reader_with_the_new_schema_reads_old_data(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    old = learn(before, "t")
    if old is None:
        return
    schema = old
    for value in after:
        try:
            schema = evolve(schema, [value])
        except SchemaError:
            continue
        backward(schema, old)
        assert evolve(schema, [value]) == schema
    write = encoder(old)
    for value in before:
        try:
            data = write(value)
        except SchemaError:
            continue
        read = read_as(schema, old, data)
        assert set(value) <= {key.replace("_x40_", "@").replace("_x5f_", "_") for key in read}


@given(st.lists(st.integers(-9, 9) | st.none(), min_size=1, max_size=5))
def test_inferred_from_all_or_grown_one_by_one_the_schema_is_the_same(numbers: list[Any]) -> None:
    samples = [{"a": number} for number in numbers]
    grown = Schema.infer(samples[:1], "t")
    for sample in samples[1:]:
        grown = evolve(grown, [sample])
    assert grown == Schema.infer(samples, "t")


def test_learning_follows_the_first_samples_and_skips_what_contradicts_them() -> None:
    learnt = learn([{"a": 1}, {"a": "x"}, {"a": 10**30}, {"a": 2.5}], "t")
    assert learnt == Schema.infer([{"a": 1}, {"a": 2.5}], "t")
    assert learn([object()], "t") is None


def test_two_schemas_merge_field_by_field() -> None:
    old = Schema.infer([{"a": 1, "b": "x"}], "t")
    new = Schema.infer([{"b": "x", "c": 1.5}], "t")
    names = {one["name"]: one["type"] for one in evolve(old, new).definition["fields"]}
    assert names == {"a": ["null", "long"], "b": "string", "c": ["null", "double"]}


def test_a_shared_type_is_not_changed_by_values() -> None:
    inner = {"type": "record", "name": "in", "fields": [{"name": "x", "type": "long"}]}
    fields = [{"name": "a", "type": inner}, {"name": "b", "type": "in"}]
    old = Schema.avro({"type": "record", "name": "t", "fields": fields})
    with pytest.raises(SchemaError) as caught:
        evolve(old, [{"a": {"x": 1}, "b": {"x": 1, "y": 2}}])
    assert caught.value.place == "b"


def test_a_type_inside_itself_is_compared_to_its_end() -> None:
    def node(kind: str) -> Schema:
        fields = [
            {"name": "v", "type": kind},
            {"name": "n", "type": ["null", "node"], "default": None},
        ]
        return Schema.avro({"type": "record", "name": "node", "fields": fields})

    backward(node("long"), node("int"))
    with pytest.raises(SchemaError) as caught:
        backward(node("int"), node("long"))
    assert caught.value.place == "v"


def rows(heading: str) -> list[Any]:
    """Return the rows of the table below a heading of the reference page."""
    part = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    found = [
        [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
        for line in part.splitlines()
        if line.startswith("| ") and not line.startswith("| change")
    ]
    return [pytest.param(*cells[1:], id=cells[0].strip("| ")) for cells in found]


def record(field: str) -> Schema:
    """Return a record of one field, spelt as in the tables: `type default value`, or `-`."""
    fields: list[Any] = []
    if field != "-":
        kind, _, default = field.partition(" default ")
        fields = [{"name": "f", "type": json.loads(kind)}]
        if default:
            fields[0]["default"] = json.loads(default)
    return Schema.avro({"type": "record", "name": "t", "fields": fields})


def started(evolution: Any, before: Schema) -> tuple[AvroConverter, EmbeddedRegistry]:
    registry = EmbeddedRegistry()
    registry.register("t-value", before)
    return AvroConverter(registry, is_key=False, evolution=evolution), registry


@pytest.mark.parametrize(("before", "value", "evolved", "frozen"), rows("Values without a schema"))
def test_each_row_for_values_holds(before: str, value: str, evolved: str, frozen: str) -> None:
    record_of: dict[str, Any] = {} if value == "-" else {"f": _value(value)}
    for evolution, outcome in (("evolve", evolved), ("freeze", frozen)):
        converter, registry = started(evolution, record(before))
        if outcome == "error":
            with pytest.raises(SchemaError) as caught:
                converter.encode("t", None, record_of)
            assert re.match(r"f\b", caught.value.place)
            assert registry.latest("t-value") == record(before)
        else:
            read = converter.decode("t", converter.encode("t", None, record_of))
            assert read.get("f") == record_of.get("f", read.get("f"))
            expected = record(before if outcome == "written" else outcome)
            assert registry.latest("t-value") == expected


def _value(cell: str) -> Any:
    return b"bytes" if cell == "bytes" else json.loads(cell)


def some(kind: Any) -> Any:
    """Return a value of a type in the table."""
    if isinstance(kind, list):
        return None
    if isinstance(kind, dict):
        kind = kind.get("logicalType", kind["type"])
    return {
        "long": 1, "int": 1, "double": 0.5, "float": 0.5, "string": "a", "bytes": b"a",
        "enum": "a", "fixed": b"abc", "record": {}, "decimal": Decimal("0.5"),
        "timestamp-millis": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    }[kind]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "evolved", "frozen"), rows("Schemas that are given"))
def test_each_row_for_given_schemas_holds(
    before: str, after: str, evolved: str, frozen: str
) -> None:
    given_schema = record(after)
    value = {one["name"]: some(one["type"]) for one in given_schema.definition["fields"]}
    for evolution, outcome in (("evolve", evolved), ("freeze", frozen)):
        converter, registry = started(evolution, record(before))
        if outcome == "error":
            with pytest.raises(SchemaError):
                converter.encode("t", given_schema, value)
            assert registry.latest("t-value") == record(before)
        else:
            converter.encode("t", given_schema, value)
            assert registry.latest("t-value") == given_schema
