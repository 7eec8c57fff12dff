"""Partitions that share a connection: one generator for all of a task's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from connectors_core import Batch, Config, Record, Reject, Retry, Source

LAST = 20


class Both(Source[Config]):
    """1..20 of two partitions in turn; `positions` of every call are kept."""

    name = "both"
    calls: list[dict[Any, Any]]

    async def partitions(self) -> Any:
        return [{"p": "a"}, {"p": "b"}]

    def items(self, positions: Mapping[Any, Any]) -> Iterator[Any]:
        first = {part: at["n"] + 1 if at else 1 for part, at in positions.items()}
        for n in range(1, LAST + 1):
            for part, start in first.items():
                if n >= start:
                    yield Record(f"{part['p']}{n}", offset={"n": n}, partition=part)

    async def read_all(self, positions: Mapping[Any, Any]) -> AsyncIterator[Any]:
        self.calls.append({part["p"]: at and at["n"] for part, at in positions.items()})
        for item in self.items(positions):
            yield item


class BothPlain(Both):
    """The same from a plain generator."""

    def read_all(self, positions: Mapping[Any, Any]) -> Any:
        self.calls.append({part["p"]: at and at["n"] for part, at in positions.items()})
        yield from self.items(positions)


def of(source: type[Both], **members: Any) -> type[Both]:
    return type("Some", (source,), {"calls": [], **members})


def only(lab: Any, name: str) -> list[str]:
    return [value for value in lab.values() if value.startswith(name)]


def whole(name: str) -> list[str]:
    return [f"{name}{n}" for n in range(1, LAST + 1)]


@pytest.mark.parametrize("source", [Both, BothPlain])
async def test_each_partition_keeps_its_order_and_its_offset(lab: Any, source: Any) -> None:
    source = of(source)
    status = await lab.run(lab.spec(source))
    assert status.state == "COMPLETED"
    assert (only(lab, "a"), only(lab, "b")) == (whole("a"), whole("b"))
    assert lab.offsets() == {'{"p":"a"}': {"n": LAST}, '{"p":"b"}': {"n": LAST}}
    assert source.calls == [{"a": None, "b": None}]
    await lab.run(lab.spec(source))
    assert source.calls[1:] == [{"a": LAST, "b": LAST}]
    assert len(lab.values()) == 2 * LAST


async def test_two_tasks_call_it_once_each_for_their_own(lab: Any) -> None:
    source = of(Both)
    await lab.run(lab.spec(source, tasks_max=2))
    assert sorted(source.calls, key=str) == [{"a": None}, {"b": None}]
    assert (only(lab, "a"), only(lab, "b")) == (whole("a"), whole("b"))


@pytest.mark.parametrize("after", [None, 0.01])
async def test_a_retry_goes_on_from_what_is_committed_of_each(lab: Any, after: Any) -> None:
    """Open units of all its partitions are thrown away with the generator."""

    class Once(Both):
        async def read_all(self, positions: Mapping[Any, Any]) -> AsyncIterator[Any]:
            async for item in super().read_all(positions):
                if item.value == "b7" and len(self.calls) == 1:
                    yield Record("open", partition={"p": "a"})
                    raise Retry("later", after=after)
                yield item

    source = of(Once)
    status = await lab.run(lab.spec(source))
    assert (status.state, status.restarts) == ("COMPLETED", 0)
    assert source.calls == [{"a": None, "b": None}, {"a": 7, "b": 6}]
    assert (only(lab, "a"), only(lab, "b")) == (whole("a"), whole("b"))
    assert only(lab, "open") == []


PART = {"p": "a"}


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (Record("x", offset={"n": 9}), "source.item"),
        (Record("x", offset={"n": 9}, partition={"p": "c"}), "source.item"),
        (Record("x", offset={"n": 9}, partition={"q": "a"}), "source.item"),
        (Record("x", offset={"n": 9}, partition="a"), "source.partition"),  # type: ignore[arg-type]
        (Record("x", offset={"n": 9}, partition={"p": ["a"]}), "source.partition"),  # type: ignore[dict-item]
        (Batch([Record("x")], {"n": 9}), "source.item"),
        (Reject("bad", b"", {"n": 9}), "source.item"),
        (Record("x", partition=PART), "source.open-unit"),
        (Record("x", offset={"n": 1}, partition=PART), "source.offset"),
    ],
)
async def test_what_names_no_partition_of_its_own_fails_the_task(
    lab: Any, item: Any, code: str
) -> None:
    given = [Record("a1", offset={"n": 1}, partition=PART), item]

    async def read_all(self: Any, positions: Any) -> AsyncIterator[Any]:
        for each in given:
            yield each

    status = await lab.run(lab.spec(of(Both, read_all=read_all), errors_tolerance="all"))
    assert (status.state, status.failure.code, lab.values()) == ("FAILED", code, ["a1"])


async def test_what_is_committed_is_told_by_partition(lab: Any) -> None:
    told: list[Any] = []

    async def committed(self: Any, partition: Any, offset: Any) -> None:
        told.append((partition["p"], offset["n"]))

    source = of(Both, committed=committed)
    await lab.run(lab.spec(source))
    for name in ("a", "b"):
        numbers = [n for part, n in told if part == name]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == LAST
    told.clear()
    await lab.run(lab.spec(source))
    assert sorted(told) == [("a", LAST), ("b", LAST)]


async def test_it_is_closed_and_called_again_when_there_is_another_partition(lab: Any) -> None:
    closed: list[Any] = []

    class Grows(Both):
        async def partitions(self) -> Any:
            return [{"p": "a"}, {"p": "b"}][: 1 + bool(lab.values())]

        async def read_all(self, positions: Mapping[Any, Any]) -> AsyncIterator[Any]:
            try:
                async for item in super().read_all(positions):
                    yield item
                if len(positions) == 1:
                    await asyncio.Event().wait()
            finally:
                closed.append(len(positions))

    source = of(Grows)
    status = await lab.run(lab.spec(source, partitions_refresh_ms=100))
    assert (status.state, closed) == ("COMPLETED", [1, 2])
    assert source.calls == [{"a": None}, {"a": LAST, "b": None}]
    assert (only(lab, "a"), only(lab, "b")) == (whole("a"), whole("b"))
