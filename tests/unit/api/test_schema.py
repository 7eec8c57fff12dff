"""Given Avro schemas: checked whole, resolved, and known by an id of everything but the docs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.api.schema import Schema


def record(*fields: Any, name: str = "r", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(kind: Any, name: str = "f", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def test_two_decimals_of_different_scale_have_different_ids() -> None:
    assert Schema.avro(decimal(10, 2)).id != Schema.avro(decimal(10, 3)).id


def test_the_id_is_the_first_31_bits_of_sha256_of_the_canonical_json() -> None:
    import hashlib

    schema = Schema.avro(record(field("long", doc="gone")))
    text = '{"fields":[{"name":"f","type":"long"}],"name":"r","type":"record"}'
    bits = f"{int(hashlib.sha256(text.encode()).hexdigest(), 16):0256b}"
    assert schema.json == text
    assert schema.id == int(bits[:31], 2)
    assert Schema.avro('"string"').id == 1962074340


@pytest.mark.parametrize(
    "other",
    [
        record(field("int", default=1)),
        record(field("int"), aliases=["old"]),
        record(field("int", aliases=["old"])),
        record(field({"type": "int", "logicalType": "date"})),
        record(field("int"), name="s"),
        record(field("int"), namespace="n"),
        record(field("int", **{"pyconnect.name": "@f"})),
    ],
)
def test_everything_but_the_docs_is_in_the_id(other: Any) -> None:
    plain = Schema.avro(record(field("int")))
    assert Schema.avro(other).id != plain.id
    assert Schema.avro(other) != plain


def test_docs_are_kept_but_not_compared() -> None:
    plain, told = Schema.avro(record(field("int"))), record(field("int", doc="a"), doc="b")
    assert Schema.avro(told) == plain
    assert hash(Schema.avro(told)) == hash(plain)
    assert Schema.avro(told).definition == told
    assert json.loads(Schema.avro(told).text) == told


def test_a_doc_inside_a_default_is_data() -> None:
    def with_default(doc: str) -> Schema:
        kind = {"type": "map", "values": "string"}
        return Schema.avro(record(field(kind, default={"doc": doc})))

    assert with_default("a").id != with_default("b").id


def test_names_are_resolved() -> None:
    inner = record(field("int"), name="Inner")
    schema = Schema.avro(
        record(field(inner, "a"), field("Inner", "b"), name="Outer", namespace="n.s")
    )
    fields = schema.definition["fields"]
    assert schema.name == "n.s.Outer"
    assert fields[0]["type"]["name"] == "n.s.Inner"
    assert fields[1]["type"] == "n.s.Inner"
    assert Schema.avro(schema.text) == schema


def test_a_changed_copy_leaves_the_schema_as_it_was() -> None:
    schema = Schema.avro(record(field("int")))
    schema.definition["fields"].clear()
    assert schema.definition["fields"] == [field("int")]


def deep(levels: int) -> Any:
    made: Any = "int"
    for _ in range(levels):
        made = {"type": "array", "items": made}
    return made


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("strin", "names the type 'strin'"),
        ("{", "is not JSON"),
        ('{"type":"int","type":"long"}', "key 'type' twice"),
        (7, "must be a name"),
        ({}, 'no "type"'),
        ([], "without branches"),
        (["int", ["null"]], "directly inside"),
        (["int", "int"], "more than once in its union"),
        ([deep(1), deep(2)], "more than once in its union"),
        ({"type": "array"}, 'no "items"'),
        ({"type": "record", "name": "r"}, '"fields"'),
        (record(field("int"), name="1r"), "no digit first"),
        (record(field("int", "a b")), "pyconnect.name"),
        (record(field("int"), field("int")), "'f' more than once"),
        (
            record(field("int", "a", **{"pyconnect.name": "b"}), field("int", "b")),
            "'b' more than once",
        ),
        (record({"name": "f", "type": "int", "pyconnect.name": 1}), "not text"),
        (record(field("int", default="1")), "default '1'"),
        (record(field("int", default=1 << 31)), "default"),
        (record(field("int", default=True)), "default True"),
        (record(field(["null", "int"], default=1)), "first branch"),
        (record(field("bytes", default="가")), "default"),
        (record(field(["null", "r"], default=None), field("r", "g", default={})), "default"),
        (record(field(record(), "a"), name="q", namespace="n")
         | {"fields": [field(record(namespace=""), "a")]}, "without a namespace"),
        (record(field(record(), "a"), field(record(), "b"), name="q"), "a second time"),
        ({"type": "enum", "name": "e", "symbols": ["a", "a"]}, "twice"),
        ({"type": "enum", "name": "e", "symbols": ["a-b"]}, "'a-b'"),
        ({"type": "enum", "name": "e", "symbols": ["a"], "default": "b"}, "no symbol"),
        ({"type": "fixed", "name": "x", "size": -1}, '"size"'),
        ({"type": "fixed", "name": "x", "size": True}, '"size"'),
        (decimal(0, 0), "precision"),
        (decimal(2, 3), "scale"),
        ({"type": "bytes", "logicalType": "decimal"}, "precision"),
        ({"type": "fixed", "name": "x", "size": 1, "logicalType": "decimal", "precision": 3},
         "too many"),
        (deep(65), "deeper than 64"),
        (deep(5000), "deeper than 64"),
        (record(field("int", doc="\ud800")), "not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_definition_says_what_is_wrong(definition: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Schema.avro(definition)
    assert said in str(caught.value)
    assert caught.value.code == "config.schema"


def test_the_error_names_the_place() -> None:
    inner = record(field({"type": "array", "items": "nope"}, "list"), name="in")
    with pytest.raises(ConfigError) as caught:
        Schema.avro(record(field(inner, "a")))
    assert caught.value.place == "schema r.a.list.items"


def test_a_type_inside_itself_is_allowed() -> None:
    schema = Schema.avro(record(field(["null", "r"], default=None)))
    assert schema.definition["fields"][0]["type"] == ["null", "r"]
