"""The codec: what is written is what is read, for every schema and every value that fits it."""

from __future__ import annotations

import datetime
import io
import itertools
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_core.api.errors import ConfigError, DataError, SchemaError
from connectors_core.api.schema import Schema
from connectors_core.api.schema_names import PROPERTY, escape
from connectors_core.avro.codec import decoder, encoder
from connectors_core.avro.evolution import evolve

Typed = tuple[Any, st.SearchStrategy[Any]]
UTC = st.just(datetime.UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(
        # Built of its digits: arithmetic would round to the context's 28.
        lambda n: Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -scale))
    )


def scalars(name: Callable[[], str]) -> list[Callable[[], Typed]]:
    times = st.datetimes(timezones=UTC)
    digits = {"logicalType": "decimal", "precision": 20, "scale": 8}
    return [
        lambda: ("null", st.none()),
        lambda: ("boolean", st.booleans()),
        lambda: ("int", st.integers(-(1 << 31), (1 << 31) - 1)),
        lambda: ("long", st.integers(-(1 << 63), (1 << 63) - 1)),
        lambda: ("float", st.floats(width=32)),
        lambda: ("double", st.floats()),
        lambda: ("string", TEXT),
        lambda: ("bytes", st.binary(max_size=8)),
        lambda: ({"type": "bytes", **digits}, decimals(20, 8)),
        lambda: ({"type": "fixed", "name": name(), "size": 9, **digits}, decimals(20, 8)),
        lambda: ({"type": "int", "logicalType": "date"}, st.dates()),
        lambda: ({"type": "long", "logicalType": "timestamp-micros"}, times),
        lambda: (
            {"type": "long", "logicalType": "timestamp-millis"},
            times.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
        ),
        lambda: ({"type": "string", "logicalType": "uuid"}, st.uuids()),
        lambda: (
            {"type": "enum", "name": name(), "symbols": ["a", "b", "c"]},
            st.sampled_from("abc"),
        ),
        lambda: ({"type": "fixed", "name": name(), "size": 3}, st.binary(min_size=3, max_size=3)),
        lambda: ({"type": "int", "logicalType": "time-millis"}, st.integers(0, 1000)),
    ]


@st.composite
def typed(draw: st.DrawFn, depth: int = 3, counter: Iterator[int] | None = None) -> Typed:
    """Draw a definition, and a strategy of values that fit it."""
    counter = counter or itertools.count()

    def name() -> str:
        return f"t{next(counter)}"

    kinds = ["scalar"] * 4 + (["array", "map", "record", "union", "nullable"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "scalar":
        return draw(st.sampled_from(scalars(name)))()
    inside = typed(depth - 1, counter)
    if kind == "array":
        items, values = draw(inside)
        return {"type": "array", "items": items}, st.lists(values, max_size=3)
    if kind == "map":
        items, values = draw(inside)
        return {"type": "map", "values": items}, st.dictionaries(TEXT, values, max_size=3)
    if kind == "record":
        keys = draw(st.lists(TEXT, unique=True, max_size=4))
        parts = {key: draw(inside) for key in keys}
        fields = [
            {"name": escape(key), "type": part[0], PROPERTY: key} for key, part in parts.items()
        ]
        made = {"type": "record", "name": name(), "fields": fields}
        return made, st.fixed_dictionaries({key: part[1] for key, part in parts.items()})
    drawn = draw(st.lists(inside, min_size=1, max_size=4 if kind == "union" else 1))
    branches: dict[str, Typed] = {"null": ("null", st.none())}
    for definition, values in drawn:
        if not isinstance(definition, list):
            named = definition if isinstance(definition, str) else definition["type"]
            if named in ("record", "enum", "fixed"):
                named = definition["name"]
            branches.setdefault(named, (definition, values))
    order = draw(st.permutations(list(branches.values())))
    return [one for one, _ in order], st.one_of([values for _, values in order])


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same down to their types; NaN is NaN.

    An integer may be read as the float that equals it: the branch of a union that comes first may
    be one of floats.
    """
    if type(one) is not type(other):
        return type(one) is float and type(other) is int and one == other
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_value_that_fits_comes_back(data: st.DataObject) -> None:
    definition, values = data.draw(typed())
    schema = Schema.avro(definition)
    assert Schema.avro(schema.text) == schema
    encode, decode = encoder(schema, b"12345"), decoder(schema)
    for value in data.draw(st.lists(values, min_size=1, max_size=3)):
        written = encode(value)
        assert same(decode(written, 5), value)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_value_that_fits_changes_no_schema(data: st.DataObject) -> None:
    definition, values = data.draw(typed())
    schema = Schema.avro(definition)
    assert evolve(schema, schema) == schema
    assert evolve(schema, [data.draw(values)]) == schema


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes_are_a_value_or_a_data_error(data: st.DataObject) -> None:
    definition, values = data.draw(typed())
    schema = Schema.avro(definition)
    decode = decoder(schema)
    written = bytearray(encoder(schema)(data.draw(values)))
    for _ in range(data.draw(st.integers(0, 3))):
        if written:
            written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    for message in (bytes(written), data.draw(st.binary(max_size=20))):
        try:
            value = decode(message, 0)
        except DataError:
            continue
        encoder(schema)(value)


def nodes() -> Schema:
    fields = [{"name": "n", "type": ["null", "node"], "default": None}]
    return Schema.avro({"type": "record", "name": "node", "fields": fields})


@pytest.mark.parametrize(
    ("definition", "data"),
    [
        (nodes().definition, b"\x02" * 1_000_000 + b"\x00"),
        ({"type": "array", "items": "null"}, b"\x80\xda\xc4\x09\x00"),
        ({"type": "array", "items": {"type": "array", "items": "null"}},
         b"\x08" + b"\x80\xf1\x04\x00" * 4 + b"\x00"),
        ({"type": "array", "items": "long"}, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ({"type": "map", "values": "null"}, b"\xfe\xff\xff\xff\x0f"),
        ("string", b"\x01"),
        ("string", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("string", b"\x02\xff"),
        ("string", b"\x02ab"),
        ("string", b""),
        ("long", b"\xff" * 30 + b"\x01"),
        ("long", b"\xff" * 9 + b"\x7f"),
        ("int", b"\x80\x80\x80\x80\x10"),
        ("boolean", b"\x02"),
        (["null", "string"], b"\x01\x02a"),
        (["null", "string"], b"\x04"),
        ({"type": "enum", "name": "e", "symbols": ["a", "b"]}, b"\x01"),
        ({"type": "enum", "name": "e", "symbols": ["a", "b"]}, b"\x04"),
        ({"type": "long", "logicalType": "timestamp-micros"}, b"\xfe" + b"\xff" * 8 + b"\x01"),
        ({"type": "int", "logicalType": "date"}, b"\xfe\xff\xff\xff\x0f"),
        ({"type": "string", "logicalType": "uuid"}, b"\x04zz"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 2}, b"\x02\x7f"),
    ],
)  # fmt: skip
def test_hostile_bytes_are_a_data_error(definition: Any, data: bytes) -> None:
    with pytest.raises(DataError):
        decoder(Schema.avro(definition))(data, 0)


def test_bytes_that_would_end_the_process_do_not() -> None:
    code = (
        "from connectors_core.api.schema import Schema\n"
        "from connectors_core.avro.codec import decoder\n"
        f"decoder(Schema.avro({nodes().definition!r}))(b'\\x02' * 1_000_000, 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"DataError" in done.stderr


def test_blocks_as_other_writers_make_them_are_read() -> None:
    decode = decoder(Schema.avro({"type": "array", "items": "long"}))
    assert decode(b"\x02\x02\x03\x04\x04\x06\x00", 0) == [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "default", "read"),
    [
        ("bytes", "\xff\x00", b"\xff\x00"),
        ({"type": "fixed", "name": "x", "size": 1}, "\x80", b"\x80"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2},
            "\xff",
            Decimal("-0.01"),
        ),
        (["long", "string", "null"], 5, 5),
        (["string", "long"], "5", "5"),
        ("double", 3, 3.0),
        ("float", 0.5, 0.5),
        ({"type": "array", "items": "bytes"}, ["\xff"], [b"\xff"]),
        ({"type": "map", "values": "bytes"}, {"k": "\xff"}, {"k": b"\xff"}),
        ({"type": "int", "logicalType": "date"}, 1, datetime.date(1970, 1, 2)),
        ({"type": "enum", "name": "e", "symbols": ["a"]}, "a", "a"),
        (
            {"type": "record", "name": "i", "fields": [{"name": "b", "type": "bytes"}]},
            {"b": "\xfe"},
            {"b": b"\xfe"},
        ),
    ],
)
def test_a_default_is_written_for_a_missing_field(kind: Any, default: Any, read: Any) -> None:
    fields = [{"name": "f", "type": kind, "default": default}, {"name": "g", "type": "int"}]
    schema = Schema.avro({"type": "record", "name": "r", "fields": fields})
    assert same(decoder(schema)(encoder(schema)({"g": 1}), 0), {"f": read, "g": 1})


@pytest.mark.parametrize("kind", ["bytes", {"type": "array", "items": "bytes"}])
def test_a_value_of_too_many_bytes_is_neither_written_nor_read(
    monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    schema = Schema.avro(
        {"type": "record", "name": "r", "fields": [{"name": "f", "type": kind}]},
    )
    value = {"f": b"x" * 200 if kind == "bytes" else [b"x" * 200]}
    large = encoder(schema)(value)
    monkeypatch.setattr("connectors_core.avro.codec.MAX_BYTES", len(large) - 1)
    with pytest.raises(SchemaError, match=f"is {len(large)} bytes long") as caught:
        encoder(schema)(value)
    assert caught.value.code == "schema.size"
    with pytest.raises(DataError, match=f"{len(large)} bytes; at most {len(large) - 1}"):
        decoder(schema)(large, 0)
    monkeypatch.setattr("connectors_core.avro.codec.MAX_BYTES", len(large))
    assert decoder(schema)(encoder(schema)(value), 0) == value


def test_an_integer_in_a_double_is_written_exactly() -> None:
    schema = Schema.avro({"type": "array", "items": ["null", "double"]})
    assert decoder(schema)(encoder(schema)([1 << 53, None, -3]), 0) == [float(1 << 53), None, -3.0]


def test_the_branch_that_was_checked_is_the_branch_that_is_written() -> None:
    record = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]}
    schema = Schema.avro(["float", "double", "string", record, {"type": "map", "values": "long"}])
    for value, branch in [(1.5, 1), ({"a": 1}, 3), ({"b": 1}, 4), ({}, 4), ("x", 2), (2, 1)]:
        assert encoder(schema)(value)[0] == 2 * branch


def test_a_wide_union_inside_a_nullable_record_is_written() -> None:
    wide = [{"type": "string", "logicalType": "uuid"}, "null", "boolean"]
    record = {"type": "record", "name": "r", "fields": [{"name": "f", "type": wide}]}
    schema = Schema.avro(["null", record])
    value = {"f": UUID(int=1)}
    assert decoder(schema)(encoder(schema)(value), 0) == value


def test_times_of_any_zone_come_back_as_the_same_instant_in_utc() -> None:
    schema = Schema.of(datetime.datetime)
    zone = datetime.timezone(datetime.timedelta(hours=9))
    read = decoder(schema)(encoder(schema)(datetime.datetime(2024, 1, 1, 9, tzinfo=zone)), 0)
    assert read == datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    assert read.tzinfo is datetime.UTC


def test_what_could_not_be_read_again_is_not_written() -> None:
    schema = Schema.avro({"type": "array", "items": "null"})
    with pytest.raises(DataError):
        encoder(schema)([None] * 100_001)
    assert decoder(schema)(encoder(schema)([None] * 1000), 0) == [None] * 1000


def test_the_bytes_are_those_of_any_avro_reader() -> None:
    value = {"@a": 1, "b": [1.5, math.inf], "c": {"d e": "가"}}
    schema = Schema.infer([value], "t")
    parsed = fastavro.parse_schema(schema.definition)
    read = fastavro.schemaless_reader(io.BytesIO(encoder(schema)(value)), parsed, None)
    assert read == {"_x40_a": 1, "b": [1.5, math.inf], "c": {"d_x20_e": "가"}}


@pytest.mark.parametrize("topic", ["bytes", "int", "null", "a.string", "record", "map", "union"])
def test_a_topic_may_be_called_as_a_type(topic: str) -> None:
    for value in ({"a": b"\xff\x00"}, {"a": {"b": [1]}}):
        schema = Schema.infer([value], topic)
        assert decoder(schema)(encoder(schema)(value), 0) == value


@pytest.mark.parametrize("name", ["bytes", "a.int"])
def test_a_type_may_not_be_called_as_a_primitive_one(name: str) -> None:
    with pytest.raises(ConfigError, match="names of primitive types"):
        Schema.avro({"type": "record", "name": name, "fields": []})
