"""What a source, a transform or a topic does not take: by name, after what came before it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from connectors_core import Batch, Config, Record, Reject, Transform
from connectors_core.api.store import TopicLimits
from connectors_core.runtime.chain import Step
from tests.unit.runtime.test_ends import KINDS
from tests.unit.runtime.test_units import numbers, source_of

FIRST = Record(1, offset={"n": 1})


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (Batch(iter([Record(2)]), offset={"n": 2}), "source.batch"),  # type: ignore[arg-type]
        (Batch(None, offset={"n": 2}), "source.batch"),  # type: ignore[arg-type]
        (Batch(state=[("k", 1)], offset={"n": 2}), "source.batch"),  # type: ignore[arg-type]
        (Batch([Record(2, offset={"n": 2})]), "source.batch"),
        (Batch([{"n": 2}], offset={"n": 2}), "source.batch"),  # type: ignore[list-item]
        (Reject("bad", "text", {"n": 2}), "source.item"),  # type: ignore[arg-type]
        (Reject(None, b"", {"n": 2}), "source.item"),  # type: ignore[arg-type]
        (Record(2, offset=2), "source.offset"),  # type: ignore[arg-type]
        (Record(2, offset=[2]), "source.offset"),  # type: ignore[arg-type]
        (Record(2, offset={"n": [2]}), "source.offset"),
        (Record(2, offset={"n": 2}, partition={"p": 1}), "source.item"),
    ],
)
async def test_an_item_that_breaks_the_contract_fails_the_task(
    lab: Any, item: Any, code: str
) -> None:
    """Even where bad records are tolerated: it is no record that could be put aside."""
    status = await lab.run(lab.spec(source_of([FIRST, item]), errors_tolerance="all"))
    assert (status.state, status.failure.code, lab.values()) == ("FAILED", code, [1])
    assert lab.offsets() == {"{}": {"n": 1}}


async def test_a_batch_without_an_offset_may_not_come_amid_a_unit(lab: Any) -> None:
    items = [FIRST, Record("open"), Batch([Record(2)])]
    status = await lab.run(lab.spec(source_of(items)))
    assert (status.failure.code, lab.values()) == ("source.unit", [1])
    assert "Give an offset to the last record before it" in status.failure.text


@pytest.mark.parametrize("read", [lambda *_: [FIRST], lambda *_: None, lambda *_: 5])
async def test_a_read_that_gives_no_generator_is_named(lab: Any, read: Any) -> None:
    source = type("Wrong", (source_of([]),), {"read": read})
    status = await lab.run(lab.spec(source))
    assert status.failure.code == "source.read"
    assert "must be a generator that yields" in status.failure.text


async def test_any_iterator_will_do(lab: Any) -> None:
    source = type("Given", (source_of([]),), {"read": lambda *_: iter(numbers(5))})
    status = await lab.run(lab.spec(source))
    assert (status.state, lab.values()) == ("COMPLETED", [1, 2, 3, 4, 5])


class Fails(Transform[Config]):
    """Raises for 3 what it is told to."""

    name = "fails"
    make: Any = None

    def apply(self, record: Record) -> Record:
        if record.value == 3:
            raise type(self).make()
        return record


@pytest.mark.parametrize("make", [*KINDS, StopIteration])
async def test_a_transform_that_raises_fails_the_task_after_what_came_before(
    lab: Any, make: Any
) -> None:
    transform = type("Bad", (Fails,), {"make": staticmethod(make)})(Config())
    source = source_of(numbers(5))
    status = await lab.run(lab.spec(source, steps=[Step("bad", transform)], restart_max=0))
    ours = not isinstance(make(), Exception)
    assert status.failure.code == ("source.raised" if ours else "data.transform")
    assert (lab.values(), lab.offsets()) == ([1, 2], {"{}": {"n": 2}})


async def test_a_transform_may_not_end_the_process_where_errors_are_tolerated(lab: Any) -> None:
    transform = type("Bad", (Fails,), {"make": staticmethod(lambda: SystemExit(3))})(Config())
    spec = lab.spec(source_of(numbers(5)), steps=[Step("bad", transform)], errors_tolerance="all")
    status = await lab.run(spec)
    assert (status.failure.code, lab.values()) == ("source.raised", [1, 2])


class Nameless:
    def __repr__(self) -> str:
        raise RuntimeError("no name")


def circle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({1, 2}, b'"{1, 2}"'),
        (circle(), b"<list object at"),
        ({"n": Nameless()}, b"<dict object at"),
        ("\ud800 text", b"\\ud800 text"),
        ({"n": threading.Lock()}, b"_thread.lock"),
    ],
)
async def test_a_value_of_any_kind_can_be_a_dead_letter(lab: Any, value: Any, told: bytes) -> None:
    items = [FIRST, Record(value, offset={"n": 2}, kafka_partition=9), Record(3, offset={"n": 3})]
    status = await lab.run(lab.spec(source_of(items), errors_tolerance="all"))
    assert (status.state, status.rejected, lab.values()) == ("COMPLETED", 1, [1, 3])
    (letter,) = lab.raw("c-dlq")
    assert told in letter


async def test_a_compacted_topic_takes_no_record_without_a_key(lab: Any) -> None:
    """Kafka would refuse the whole commit for it."""
    lab.store.limits = lambda topic: replace(TopicLimits(1 << 20), keyed=topic == "c")
    items = [Record(1, key="a", offset={"n": 1}), Record(2, offset={"n": 2}), *numbers(0)]
    items.append(Record(None, key="a", offset={"n": 3}))
    status = await lab.run(lab.spec(source_of(items), errors_tolerance="all"))
    assert (status.state, status.rejected, lab.values()) == ("COMPLETED", 1, [1, None])
    (letter,) = lab.records("c-dlq")
    assert dict(letter.headers)["__connect.errors.exception.class.name"] == b"data.no-key"


async def test_a_record_goes_to_the_partition_that_its_source_chose(lab: Any) -> None:
    spec = lab.spec(source_of([Record(n, offset={"n": n}, kafka_partition=n) for n in range(5)]))
    topics = {None: replace(spec.topics[None], partitions=4)}
    status = await lab.run(replace(spec, topics=topics))
    assert [(each.partition, each.value) for each in lab.records()] == [
        (n, str(n).encode()) for n in range(4)
    ]
    assert status.failure.code == "data.partition"
    assert "has partitions 0 to 3" in status.failure.text


async def test_a_record_over_the_limit_is_a_dead_letter_amid_others(lab: Any) -> None:
    items = [FIRST, Record("x" * 5000, offset={"n": 2}), Record(3, offset={"n": 3})]
    spec = lab.spec(source_of(items), errors_tolerance="all", batch_max_bytes=2000)
    status = await lab.run(spec)
    assert (status.state, status.rejected, lab.values()) == ("COMPLETED", 1, [1, 3])
    assert lab.offsets() == {"{}": {"n": 3}}


async def test_an_offset_of_another_kind_of_map_is_as_good_as_a_dict(lab: Any) -> None:
    from types import MappingProxyType

    items = [Record(n, offset=MappingProxyType({"n": n})) for n in range(1, 4)]
    await lab.run(lab.spec(source_of(items)))
    assert (lab.values(), lab.offsets()) == ([1, 2, 3], {"{}": {"n": 3}})
