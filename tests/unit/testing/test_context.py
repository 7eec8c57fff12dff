"""MemoryContext behaves as a runtime's context where a plugin's test would notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors_core import Batch, Config, Offset, Partition, Record, Source
from connectors_core.api.errors import ContractError
from connectors_core.testing import MemoryContext


class _Numbers(Source[Config]):
    name = "numbers"
    closed = 0

    async def read(self, partition: Partition, offset: Offset | None) -> AsyncIterator[Record]:
        first = int(offset["n"] or 0) if offset else 0
        try:
            for n in range(first + 1, 6):
                yield Record(n, offset={"n": n})
        finally:
            self.closed += 1


async def test_run_goes_on_from_the_offset_and_closes_the_generator() -> None:
    context, closed = MemoryContext(), 0
    for expected in (2, 2, 1, 0):
        source = _Numbers(Config(), context)
        assert await context.run(source, {}, 2) == expected
        closed += source.closed
    assert [record.value for record in context.records] == [1, 2, 3, 4, 5]
    assert closed == 4


def test_scan_is_ordered_by_utf8_bytes_and_pages_on() -> None:
    context = MemoryContext()
    keys = ["b", "a|2", "a|10", "a|\uffff", "a|\U00010000", "a"]
    context.apply({"p": 1}, Batch(state=dict.fromkeys(keys, 1)))
    state = context.state({"p": 1})
    found = [key for key, _ in state.scan("a|", limit=3)]
    assert found == ["a|10", "a|2", "a|\uffff"]
    assert [key for key, _ in state.scan("a|", after=found[-1])] == ["a|\U00010000"]
    assert context.state({"p": 2}).scan() == []


def test_state_is_json_of_its_own_and_none_deletes() -> None:
    context, value = MemoryContext(), {"list": [1]}
    context.apply({}, Batch(state={"k": value, "gone": 1}))
    value["list"].append(2)
    context.apply({}, Batch(state={"gone": None}))
    assert context.state({}).get("k") == {"list": [1]}
    assert context.state({}).get_many(["k", "gone"]) == {"k": {"list": [1]}}


@pytest.mark.parametrize("row", [{"k" * 1025: 1}, {"k": "v" * (256 * 1024)}])
def test_rows_that_no_store_takes_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        MemoryContext().apply({}, Batch(state=row))


def test_a_copy_is_what_a_new_process_finds() -> None:
    context = MemoryContext()
    context.apply({}, Batch([Record(1)], {"n": 1}, {"k": 1}))
    context.hold("host", 3.0)
    copy = context.copy()
    context.apply({}, Batch([Record(2)], {"n": 2}, {"k": 2}))
    assert (copy.offsets[Partition({})], copy.state({}).get("k")) == ({"n": 1}, 1)
    assert (len(copy.records), copy.held) == (1, [])


async def test_a_session_is_exclusive() -> None:
    context, inside = MemoryContext(), 0

    async def enter() -> None:
        nonlocal inside
        async with context.session("account"):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(3)))
