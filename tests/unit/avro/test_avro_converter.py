"""AvroConverter: which schema a value is written by, and what happens when it does not fit."""

from __future__ import annotations

import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors_core.api.errors import DataError, SchemaError
from connectors_core.api.schema import Schema
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.registry import EmbeddedRegistry


@dataclass
class Quote:
    symbol: str
    price: float


@dataclass
class Tree:
    branches: list[Tree] = field(default_factory=list)


@dataclass
class Odd:
    anything: Any


def values(evolution: Any = "evolve") -> tuple[AvroConverter, EmbeddedRegistry]:
    registry = EmbeddedRegistry()
    return AvroConverter(registry, is_key=False, evolution=evolution), registry


def test_writes_the_wire_format_under_the_subject_of_the_topic() -> None:
    converter, registry = values()
    data = converter.encode("t", Schema.avro("string"), "a")
    assert data == struct.pack(">bI", 0, Schema.avro("string").id) + b"\x02a"
    assert [row.subject for row in registry.pending()] == ["t-value"]
    key = AvroConverter(registry, is_key=True)
    key.encode("t", Schema.avro("string"), "a")
    assert registry.latest("t-key") == Schema.avro("string")


def test_wants_samples_until_it_has_learnt() -> None:
    converter, registry = values()
    assert converter.wants_samples("t", None)
    assert not converter.wants_samples("t", Schema.avro("string"))
    converter.learn("t", [{"a": 1}, {"a": None}])
    assert not converter.wants_samples("t", None)
    assert registry.latest("t-value") == Schema.infer([{"a": 1}, {"a": None}], "t")
    assert converter.decode("t", converter.encode("t", None, {})) == {"a": None}


def test_a_subject_that_has_a_schema_needs_no_samples() -> None:
    converter, registry = values()
    registry.register("t-value", Schema.infer([{"a": 1}], "t"))
    assert not converter.wants_samples("t", None)
    converter.learn("t", [{"z": "other"}])
    assert len(registry.rows()) == 1


def test_a_dataclass_is_written_by_its_own_schema_without_samples() -> None:
    converter, registry = values()
    converter.learn("t", [Quote("a", 1.5)])
    data = converter.encode("t", None, Quote("a", 1.5))
    assert registry.latest("t-value") == Schema.of(Quote)
    assert converter.decode("t", data) == {"symbol": "a", "price": 1.5}


def test_a_class_never_evolves_from_its_values() -> None:
    converter, registry = values()
    with pytest.raises(SchemaError) as caught:
        converter.encode("t", None, Quote("a", "1.5"))  # type: ignore[arg-type]
    assert caught.value.place == "price"
    assert registry.latest("t-value") == Schema.of(Quote)


def test_a_given_schema_never_evolves_from_values() -> None:
    converter, registry = values()
    schema = Schema.infer([{"a": 1}], "t")
    with pytest.raises(SchemaError) as caught:
        converter.encode("t", schema, {"a": 1.5})
    assert caught.value.place == "a"
    assert registry.latest("t-value") == schema


@pytest.mark.parametrize("value", ["text", b"bytes", True, 5, 1.5, [1, 2]])
def test_values_that_are_no_dicts_have_their_own_type(value: Any) -> None:
    converter, _ = values()
    read = converter.decode("t", converter.encode("t", None, value))
    assert read == value
    assert type(read) is type(value)


def test_numbers_without_a_schema_widen() -> None:
    converter, registry = values()
    data = [converter.encode("t", None, number) for number in (1, 1.5, 2)]
    assert registry.latest("t-value") == Schema.avro("double")
    assert [converter.decode("t", one) for one in data] == [1, 1.5, 2.0]
    assert data[2][:5] == data[1][:5] != data[0][:5]
    with pytest.raises(SchemaError) as caught:
        converter.encode("t", None, "text")
    assert caught.value.place == "value"


def test_old_records_are_read_after_the_schema_has_evolved() -> None:
    converter, registry = values()
    converter.learn("t", [{"@a": 1}])
    old = converter.encode("t", None, {"@a": 1})
    new = converter.encode("t", None, {"b": "x"})
    assert len(registry.rows()) == 2
    assert converter.decode("t", old) == {"@a": 1}
    assert converter.decode("t", new) == {"@a": None, "b": "x"}
    assert converter.encode("t", None, {"@a": 1, "b": None})[:5] == new[:5]


def test_a_bad_value_registers_nothing() -> None:
    converter, registry = values()
    converter.learn("t", [{"a": 1.5}])
    for bad in (
        {"a": (1 << 53) + 1, "new": 1},
        {"a": 1.5, "new": "\ud800"},
        {"a": 1, "b": 1 << 70},
    ):
        with pytest.raises(SchemaError):
            converter.encode("t", None, bad)
    assert len(registry.rows()) == 1


def test_threads_that_share_a_subject_lose_no_field_of_it() -> None:
    registry = EmbeddedRegistry([])
    converters = [AvroConverter(registry, is_key=False) for _ in range(4)]
    converters[0].learn("t", [{"a": 1}])
    start = threading.Barrier(4)

    def grow(worker: int) -> list[tuple[dict[str, int], bytes]]:
        start.wait()
        made = [{f"f{worker}_{n}": n} for n in range(10)]
        return [(value, converters[worker].encode("t", None, value)) for value in made]

    with ThreadPoolExecutor(4) as pool:
        written = [pair for done in pool.map(grow, range(4)) for pair in done]
    for value, data in written:
        assert converters[0].decode("t", data).items() >= value.items()
    latest = registry.latest("t-value")
    assert latest is not None
    assert len(latest.definition["fields"]) == 41


def test_the_order_of_topics_and_schemas_does_not_mix_them() -> None:
    converter, registry = values()
    schema = Schema.infer([{"a": 1}], "x")
    converter.encode("one", schema, {"a": 1})
    converter.encode("two", schema, {"a": 1})
    converter.encode("two", None, {"a": 1, "b": 2})
    assert registry.latest("one-value") == schema
    assert registry.latest("two-value") != schema


@pytest.mark.parametrize("evolution", ["evolve", "freeze"])
def test_no_value_ends_in_anything_but_a_data_error(evolution: Any) -> None:
    deep: Any = []
    for _ in range(1000):
        deep = [deep]
    tree = Tree()
    for _ in range(1000):
        tree = Tree([tree])
    hostile: list[Any] = [
        deep, {"a": deep}, tree, Odd(1), object(), {1: 2}, {"a": 10**5000}, "\ud800",
        {"\ud800": 1}, {"a": {"a"}}, (1,), float, {"a": object()}, 1 << 64, {"a": b"", 2: 1},
    ]  # fmt: skip
    for value in hostile:
        converter, _ = values(evolution)
        converter.learn("t", [value, {"a": 1}])
        with pytest.raises(DataError):
            converter.encode("t", None, value)
        other, _ = values(evolution)
        with pytest.raises(DataError):
            other.encode("t", None, value)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\1\0\0\0\1a", b"{}", b"\0\0\0\0\1a"])
def test_bytes_of_another_converter_are_a_data_error(data: bytes) -> None:
    converter, _ = values()
    with pytest.raises(DataError) as caught:
        converter.decode("t", data)
    assert caught.value.place == "t"
