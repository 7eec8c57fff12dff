"""Records come back from a blob as they went in."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.store import Row
from connectors_core.stores.embedded.batch import MAX_BYTES, MAX_RECORDS, checksum, pack, unpack

parts = st.none() | st.binary(max_size=20)
headers = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3).map(tuple)
rows = st.tuples(parts, parts, st.integers(-(2**63), 2**63 - 1), headers)


@given(st.lists(rows, min_size=1, max_size=30), st.data())
def test_gives_back_any_slice_of_any_rows(given_rows: list[Row], data: st.DataObject) -> None:
    ((count, blob),) = pack(given_rows, 5)
    assert count == len(given_rows)
    assert unpack(blob, count) == given_rows
    first = data.draw(st.integers(0, count))
    last = data.draw(st.integers(first, count + 2))
    assert unpack(blob, count, first, last) == given_rows[first:last]


def test_a_missing_timestamp_is_now() -> None:
    ((count, blob),) = pack([(None, None, None, ()), (None, None, 7, ())], 99)
    assert [row[2] for row in unpack(blob, count)] == [99, 7]


def test_no_blob_holds_more_than_its_limits() -> None:
    small: list[Row] = [(None, b"x", n, ()) for n in range(2 * MAX_RECORDS + 1)]
    assert [count for count, _ in pack(small, 0)] == [MAX_RECORDS, MAX_RECORDS, 1]
    large: list[Row] = [(None, b"x" * (MAX_BYTES // 3), n, ()) for n in range(10)]
    blobs = list(pack([*large, (None, b"y" * (2 * MAX_BYTES), 10, ()), *large], 0))
    assert all(len(blob) <= MAX_BYTES or count == 1 for count, blob in blobs)
    assert sum(count for count, _ in blobs) == 21
    stamps = [row[2] for count, blob in blobs for row in unpack(blob, count)]
    assert stamps == [*range(11), *range(10)]


@pytest.mark.parametrize(
    "row",
    [
        (None, "text", 1, ()),
        ("text", b"", 1, ()),
        (None, 5, 1, ()),
        (None, b"", 1.5, ()),
        (None, b"", 2**63, ()),
        (None, b"", 1, (("\ud800", b""),)),
        (None, b"", 1, (("h", None),)),
        (None, b"", 1),
    ],
)
def test_refuses_what_is_no_row(row: Row) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError, struct.error)):
        list(pack([(None, b"good", 1, ()), row], 0))


def test_finds_a_blob_that_is_cut_or_has_more() -> None:
    ((count, blob),) = pack([(b"k", b"v", 1, (("h", b"x"),))], 0)
    with pytest.raises(ValueError, match="bytes where"):
        unpack(blob[:-1], count)
    with pytest.raises(ValueError, match="bytes where"):
        unpack(blob + b"\0", count)


def test_checksum_covers_the_place_as_well_as_the_bytes() -> None:
    right = checksum(b"data", 1, 2, 3, 4)
    assert right == checksum(b"data", 1, 2, 3, 4)
    others = [(b"dat!", 1, 2, 3, 4), (b"data", 9, 2, 3, 4), (b"data", 1, 9, 3, 4)]
    others += [(b"data", 1, 2, 9, 4), (b"data", 1, 2, 3, 9)]
    assert all(checksum(*other) != right for other in others)
