"""What is stored together, in which order, and what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from connectors_core import Batch, Config, Record, Reject, Source
from connectors_core.api.transform import Predicate, Transform
from connectors_core.runtime.chain import Step


def source_of(items: list[Any]) -> type[Source[Config]]:
    class Given(Source[Config]):
        name = "given"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            for item in items[offset["n"] if offset else 0 :]:
                yield item

    return Given


def plain_source_of(items: list[Any]) -> type[Source[Config]]:
    class Plain(Source[Config]):
        name = "plain"

        def read(self, partition: Any, offset: Any) -> Iterator[Any]:
            yield from items[offset["n"] if offset else 0 :]

    return Plain


def numbers(count: int) -> list[Record]:
    return [Record(n, offset={"n": n}) for n in range(1, count + 1)]


@pytest.mark.parametrize("make", [source_of, plain_source_of])
async def test_delivers_every_record_in_order_and_completes(lab: Any, make: Any) -> None:
    status = await lab.run(lab.spec(make(numbers(5000))))
    assert status.state == "COMPLETED"
    assert status.records == 5000
    assert lab.values() == list(range(1, 5001))
    assert lab.offsets() == {"{}": {"n": 5000}}


@pytest.mark.parametrize("make", [source_of, plain_source_of])
async def test_resumes_after_the_stored_offset(lab: Any, make: Any) -> None:
    await lab.run(lab.spec(make(numbers(7))))
    await lab.run(lab.spec(make(numbers(12))))
    assert lab.values() == list(range(1, 13))


async def test_records_without_an_offset_are_stored_with_the_next_offset(lab: Any) -> None:
    items = [Record("a"), Record("b"), Record("c", offset={"n": 3}), Record("d")]
    status = await lab.run(lab.spec(source_of(items)))
    assert lab.values() == ["a", "b", "c"]
    assert status.failure.code == "source.open-unit"


async def test_equal_offsets_in_a_row_fail_the_task(lab: Any) -> None:
    status = await lab.run(
        lab.spec(source_of([Record(1, offset={"n": 1}), Record(2, offset={"n": 1})]))
    )
    assert status.state == "FAILED"
    assert status.failure.code == "source.offset"
    assert lab.values() == [1]


@pytest.mark.parametrize(
    "offset", [{"n": [1]}, {"n": {"a": 1}}, {"n": float("nan")}, {"n": "x" * 2000}, {"n": b"x"}]
)
async def test_an_offset_that_is_not_flat_json_fails_the_task(lab: Any, offset: Any) -> None:
    status = await lab.run(lab.spec(source_of([Record(1, offset=offset)])))
    assert status.failure.code == "source.offset"
    assert lab.values() == []


@pytest.mark.parametrize("item", [None, 5, {"value": 1}, "text", b"text", ("a",)])
@pytest.mark.parametrize("together", [False, True])
async def test_what_is_not_an_item_fails_the_task(lab: Any, item: Any, together: bool) -> None:
    async def read_all(self: Any, positions: Any) -> AsyncIterator[Any]:
        yield item

    members = {"read_all": read_all} if together else {}
    status = await lab.run(lab.spec(type("Wrong", (source_of([item]),), members)))
    assert status.failure.code == "source.item"
    assert f"yields Record, Batch or Reject, got {type(item).__name__}" in status.failure.text


async def test_a_source_may_reuse_what_it_yielded(lab: Any) -> None:
    class Reuses(Source[Config]):
        name = "reuses"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            value: dict[str, int] = {}
            for n in range(1, 301):
                value["n"] = n
                yield Record(value, offset={"n": n})
            value["n"] = -1

    await lab.run(lab.spec(Reuses))
    assert [each["n"] for each in lab.values()] == list(range(1, 301))


async def test_a_source_may_reuse_what_it_yielded_while_samples_are_taken(lab: Any) -> None:
    class Reuses(Source[Config]):
        name = "reuses"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            value: dict[str, int] = {}
            for n in range(1, 151):
                value["n"] = n
                yield Record(value, offset={"n": n})

    lab.converter.infers = True
    await lab.run(lab.spec(Reuses))
    assert [each["n"] for each in lab.values()] == list(range(1, 151))
    assert [each["n"] for each in lab.converter.learned] == list(range(1, 101))


async def test_a_few_samples_are_enough_when_the_source_ends(lab: Any) -> None:
    lab.converter.infers = True
    await lab.run(lab.spec(source_of([Record({"n": n}, offset={"n": n}) for n in (1, 2, 3)])))
    assert [each["n"] for each in lab.values()] == [1, 2, 3]


async def test_a_batch_moves_the_offset_without_records(lab: Any) -> None:
    await lab.run(lab.spec(source_of([Batch(offset={"n": 5}, state={"k": 1})])))
    assert lab.offsets() == {"{}": {"n": 5}}
    assert lab.values() == []


async def test_a_batch_without_an_offset_keeps_the_offset(lab: Any) -> None:
    items = [Batch([Record(1)], offset={"n": 1}), Batch([Record(2)])]
    await lab.run(lab.spec(source_of(items)))
    assert lab.values() == [1, 2]
    assert lab.offsets() == {"{}": {"n": 1}}


async def test_a_batch_is_stored_whole_or_not_at_all(lab: Any) -> None:
    bad = Batch([Record(1), Record(object())], offset={"n": 1}, state={"k": 1})
    status = await lab.run(lab.spec(source_of([bad])))
    assert status.state == "FAILED"
    assert lab.values() == []
    assert lab.offsets() == {}


async def test_a_bad_record_fails_the_task_and_what_came_before_is_kept(lab: Any) -> None:
    items = [*numbers(3), Record(object(), offset={"n": 4}), Record(5, offset={"n": 5})]
    status = await lab.run(lab.spec(source_of(items)))
    assert (status.state, status.failure.group) == ("FAILED", "data")
    assert lab.values() == [1, 2, 3]
    assert lab.offsets() == {"{}": {"n": 3}}


async def test_tolerated_errors_go_to_the_dead_letters_and_move_the_offset(lab: Any) -> None:
    items = [
        Record(1, offset={"n": 1}),
        Record(object(), offset={"n": 2}),
        Reject("bad JSON", raw=b"{oops", offset={"n": 3}),
        Record(4, offset={"n": 4}),
    ]
    status = await lab.run(lab.spec(source_of(items), errors_tolerance="all"))
    assert lab.values() == [1, 4]
    dead = lab.records("c-dlq")
    assert dead[1].value == b"{oops"
    assert dict(dead[1].headers)["__connect.errors.exception.message"] == b"bad JSON"
    assert dict(dead[0].headers)["__connect.errors.stage"] == b"CONVERT"
    assert (status.records, status.rejected, lab.offsets()) == (2, 2, {"{}": {"n": 4}})


async def test_a_reject_fails_the_task_by_default(lab: Any) -> None:
    status = await lab.run(lab.spec(source_of([Reject("bad JSON", offset={"n": 1})])))
    assert status.failure.code == "data.rejected"
    assert lab.offsets() == {}


async def test_a_record_over_the_limit_is_that_records_error(lab: Any) -> None:
    items = [Record("x" * 5000, offset={"n": 1}), Record("y", offset={"n": 2})]
    status = await lab.run(lab.spec(source_of(items), errors_tolerance="all", batch_max_bytes=4096))
    assert (lab.values(), status.rejected) == (["y"], 1)


async def test_a_unit_that_is_never_closed_is_bounded(lab: Any) -> None:
    status = await lab.run(lab.spec(source_of([Record("x" * 1000)] * 100), batch_max_bytes=10_000))
    assert status.failure.code == "source.unit-too-large"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record(1, timestamp=-1, offset={"n": 1}), "data.timestamp"),
        (Record(1, timestamp=1.5, offset={"n": 1}), "data.timestamp"),  # type: ignore[arg-type]
        (Record(1, headers=[("a", 1)], offset={"n": 1}), "data.headers"),  # type: ignore[list-item]
        (Record(1, kafka_partition=7, offset={"n": 1}), "data.partition"),
        (Record(1, topic="nowhere", offset={"n": 1}), "source.topic"),
    ],
)
async def test_bad_fields_are_refused_by_name(lab: Any, record: Record, code: str) -> None:
    status = await lab.run(lab.spec(source_of([record])))
    assert status.failure.code == code


async def test_headers_keys_timestamps_and_tombstones_are_kept(lab: Any) -> None:
    record = Record(
        None, key="k", timestamp=5, headers=[("a", "é"), ("b", b"\x00")], offset={"n": 1}
    )
    await lab.run(lab.spec(source_of([record])))
    (stored,) = lab.records()
    assert stored.value is None
    assert stored.key == b'"k"'
    assert stored.timestamp == 5
    assert stored.headers == (("a", "é".encode()), ("b", b"\x00"))


class Doubles(Transform[Config]):
    name = "doubles"

    def apply(self, record: Record) -> list[Record]:
        return [record, Record(record.value * 10)]


class DropsOdd(Transform[Config]):
    name = "drops-odd"

    def apply(self, record: Record) -> Record | None:
        return None if record.value % 2 else record


class Small(Predicate[Config]):
    name = "small"

    def test(self, record: Record) -> bool:
        return bool(record.value < 3)


async def test_transforms_make_none_or_many_and_filtered_records_move_the_offset(lab: Any) -> None:
    steps = [
        Step("drop", DropsOdd(Config())),
        Step("double", Doubles(Config()), Small(Config()), negate=False),
    ]
    status = await lab.run(lab.spec(source_of(numbers(5)), steps=steps))
    assert lab.values() == [2, 20, 4]
    assert status.filtered == 3
    assert lab.offsets() == {"{}": {"n": 5}}


async def test_a_transform_that_raises_is_that_records_error(lab: Any) -> None:
    items = [Record("text", offset={"n": 1}), Record(2, offset={"n": 2})]
    steps = [Step("drop", DropsOdd(Config()))]
    status = await lab.run(lab.spec(source_of(items), steps=steps, errors_tolerance="all"))
    assert (lab.values(), status.rejected) == ([2], 1)
    assert json.loads(json.dumps(lab.raw("c-dlq")[0].decode())) == "text"


async def test_max_records_stops_at_exactly_so_many(lab: Any) -> None:
    status = await lab.run(lab.spec(source_of(numbers(5000))), max_records=1234)
    assert status.records == 1234
    assert lab.values() == list(range(1, 1235))
    await lab.run(lab.spec(source_of(numbers(5000))))
    assert lab.values() == list(range(1, 5001))


async def test_max_records_finishes_open_units(lab: Any) -> None:
    items = [Record(n, offset={"n": n} if n % 10 == 0 else None) for n in range(1, 101)]
    await lab.run(lab.spec(source_of(items)), max_records=15)
    assert lab.values() == list(range(1, 21))
