"""The flat encoder writes what fastavro writes, and refuses what the checker refuses."""

from __future__ import annotations

import datetime
import io
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_core.api.errors import SchemaError
from connectors_core.api.schema import Schema
from connectors_core.api.schema_names import PROPERTY, escape
from connectors_core.avro.codec import encoder, general_encoder
from connectors_core.avro.flat import flat_encoder, zigzag

EDGES = [n for bits in (6, 7, 13, 14, 20, 21, 31, 63) for n in (1 << bits, -1 << bits)]
NUMBERS = st.integers(-(1 << 65), 1 << 65) | st.sampled_from(
    [edge + step for edge in [0, 4096, *EDGES] for step in (-1, 0, 1)]
)


class Text(str):
    pass


ANYTHING = st.one_of(
    NUMBERS,
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(st.characters(), max_size=8),  # lone surrogates among them
    st.binary(max_size=8),
    st.sampled_from([4095, 4096, 5000]).map(lambda n: "x" * n),
    st.sampled_from([4095, 4096]).map(bytes),
    st.sampled_from([Text("a"), [1], {"a": 1}, datetime.date(2024, 1, 1)]),
)
KINDS = ["boolean", "int", "long", "double", "string", "bytes"]
TYPES = st.sampled_from(KINDS) | st.sampled_from(KINDS).flatmap(
    lambda kind: st.permutations(["null", kind])
)


def outcome(encode: Any, value: Any) -> Any:
    try:
        return encode(value)
    except SchemaError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(st.data())
def test_every_value_has_the_outcome_of_the_general_encoder(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text("ab@ ", max_size=3), unique=True, min_size=1, max_size=4))
    fields: list[dict[str, Any]] = [
        {"name": escape(name), PROPERTY: name, "type": data.draw(TYPES)} for name in names
    ]
    for field in fields:
        if (
            isinstance(field["type"], list)
            and field["type"][0] == "null"
            and data.draw(st.booleans())
        ):
            field["default"] = None
    schema = Schema.avro({"type": "record", "name": "r", "fields": fields})
    slow, fast = general_encoder(schema, b"12345"), encoder(schema, b"12345")
    some = data.draw(st.sets(st.sampled_from([*names, "more"])))
    value = {
        name: data.draw(ANYTHING)
        for name in {*names, *some}
        - data.draw(st.sets(st.sampled_from([*names, "more"]), max_size=1))
    }
    assert outcome(fast, value) == outcome(slow, value)


FITS = {
    "boolean": [True, False],
    "int": [0, -1, 4095, 4096, (1 << 31) - 1, -(1 << 31)],
    "long": [0, -1, 63, 64, 8191, 8192, (1 << 63) - 1, -(1 << 63)],
    "double": [0.0, -1.5, float("inf"), float("nan")],
    "string": ["", "가나다", "x" * 5000],
    "bytes": [b"", bytes(5000)],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("union", [None, ["null", ...], [..., "null"]])
def test_what_fits_is_written_without_the_general_encoder(kind: str, union: Any) -> None:
    declared = kind if union is None else [kind if each is ... else each for each in union]
    definition = {"type": "record", "name": "r", "fields": [{"name": "f", "type": declared}]}
    parsed = fastavro.parse_schema(definition)

    def slow(value: Any) -> bytes:
        raise AssertionError(value)

    fast = flat_encoder(Schema.avro(definition).definition, b"", 10_000, slow)
    for value in FITS[kind] + ([] if union is None else [None]):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, {"f": value})
        assert fast({"f": value}) == buffer.getvalue()


def test_other_schemas_stay_with_the_general_encoder() -> None:
    def slow(value: Any) -> bytes:
        return b""

    for kind in ({"type": "array", "items": "long"}, "float", ["null", "int", "string"],
                 {"type": "long", "logicalType": "timestamp-millis"}):  # fmt: skip
        definition = {"type": "record", "name": "r", "fields": [{"name": "f", "type": kind}]}
        assert flat_encoder(Schema.avro(definition).definition, b"", 10, slow) is slow
    assert flat_encoder("long", b"", 10, slow) is slow
    assert flat_encoder({"type": "record", "name": "r", "fields": []}, b"", 10, slow) is slow


def test_what_is_too_long_is_left_to_the_general_encoder() -> None:
    definition = {"type": "record", "name": "r", "fields": [{"name": "f", "type": "bytes"}]}
    fast = flat_encoder(definition, b"12345", 10, lambda _: b"slow")
    assert fast({"f": b"1234"}) == b"12345\x081234"
    assert fast({"f": b"12345"}) == b"slow"


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_zigzag_is_read_again_by_fastavro(number: int) -> None:
    assert fastavro.schemaless_reader(io.BytesIO(zigzag(number)), "long", None) == number
