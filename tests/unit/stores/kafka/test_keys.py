"""Keys of pyconnect's own topics: what was written is what is read, and nothing else is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.record import canonical
from connectors_core.api.store import SchemaRow
from connectors_core.stores.kafka import claim, position, schema_log, state
from connectors_core.stores.kafka.claim import Claim

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT
PARTITIONS = st.dictionaries(TEXT, SCALARS, max_size=3).map(canonical)


@given(TEXT, PARTITIONS)
def test_an_offset_is_found_under_its_connector_and_partition(name: str, partition: str) -> None:
    assert position.split_key(position.encoded(name, partition)) == (name, partition)


def test_an_offset_that_kafka_connect_wrote_is_read() -> None:
    assert position.split_key(b'["local-file",{"filename":"/a.txt"}]') == (
        "local-file",
        '{"filename":"/a.txt"}',
    )
    assert position.split_key(b'["c", {"b": 1, "a": 2}]') == ("c", '{"a":2,"b":1}')


@given(st.none() | st.binary(max_size=20))
def test_what_is_no_key_of_ours_is_passed_over(key: bytes | None) -> None:
    for split_key in (position.split_key, schema_log.split_key):
        found = split_key(key)
        assert found is None or isinstance(found, tuple)
    assert state.decoded(key, b"1") is None or key is not None


def test_foreign_keys_have_no_place() -> None:
    for key in (None, b"", b"x", b"[1,{}]", b'["a"]', b'["a",[1]]', b'["a",{"x":[]}]', b"\xff"):
        assert position.split_key(key) is None
    assert claim.split_key(None) is None
    assert claim.split_key(b"\xff") is None


@given(TEXT, PARTITIONS, TEXT, TEXT | st.none())
def test_a_row_of_state_comes_back(name: str, partition: str, key: str, value: str | None) -> None:
    stored = None if value is None else value.encode()
    written = state.encoded(name, partition, key)
    assert state.decoded(written, stored) == (partition, key, value)
    assert json.loads(written) == [name, json.loads(partition), key]


def test_a_claim_says_who_made_it_and_on_what_it_rests() -> None:
    made = Claim.new({"offsets": "id1"}, fences=True)
    assert Claim.decoded(made.encoded()) == made
    assert made.id != Claim.new({}, fences=True).id
    for value in (b"", b"{}", b"[]", b'{"id": 1}', b"\xff"):
        assert Claim.decoded(value) is None


def test_schemas_of_two_workers_are_all_there_and_counted_anew() -> None:
    rows = [
        SchemaRow("a-value", 1, 7, '"string"'),
        SchemaRow("a-value", 2, 9, '"long"'),
        SchemaRow("a-value", 2, 8, '"int"'),
    ]
    groups: dict[str, dict[str, bytes]] = {}
    for row in rows:
        key, value = schema_log.encoded(row)
        placed = schema_log.split_key(key)
        assert placed is not None
        groups.setdefault(placed[0], {})[placed[1]] = value
    found = schema_log.rows(groups)
    assert [(row.id, row.version) for row in found] == [(7, 1), (9, 2), (8, 3)]
    assert {row.avro for row in found} == {row.avro for row in rows}
