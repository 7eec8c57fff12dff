"""What every store promises; a store's test class overrides the `store` fixture."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import ClassVar

import pytest

from connectors_core.api.errors import ConfigError, FencedError, PyconnectError
from connectors_core.api.store import (
    Row,
    SchemaRow,
    Slot,
    StateReader,
    Store,
    StoredRecord,
    TopicSpec,
    Transaction,
)

PART = '{"page":1}'


def value_row(value: bytes | None, key: bytes | None = None) -> Row:
    return (key, value, 1_700_000_000_000, ())


def numbered(first: int, end: int) -> list[Row]:
    return [value_row(b"%d" % number) for number in range(first, end)]


def everything(store: Store, topic: str, partition: int = 0) -> list[StoredRecord]:
    reader = store.reader()
    try:
        return reader.read(topic, partition, 0, 100_000)
    finally:
        reader.close()


def offset(number: int) -> str:
    return f'{{"n":{number}}}'


class StoreContract:
    """The promises. Names are unique to a test, so that a store may live longer than one."""

    dense: ClassVar[bool] = True
    """Whether offsets rise without gaps, so that they count records."""
    last_ms: ClassVar[int] = 253_402_300_799_999
    """The last timestamp that it takes in any case; by default the end of the year 9999."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    @pytest.fixture
    def name(self) -> str:
        """A connector, and its topic."""
        return f"c-{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def slot(self, store: Store, name: str) -> Iterator[Slot]:
        slot = store.acquire(store.slot_name(name))
        yield slot
        slot.release()

    # Records

    def test_counts_offsets_from_zero_in_the_order_of_the_rows(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 3)}))
        slot.commit(Transaction(rows={(name, 0): numbered(3, 5)}))
        found = everything(store, name)
        offsets = [record.offset for record in found]
        assert offsets[:3] == [0, 1, 2]
        assert offsets == sorted(set(offsets))
        assert offsets[4] == 4 or not self.dense
        assert [record.value for record in found] == [b"0", b"1", b"2", b"3", b"4"]
        assert {(record.topic, record.partition) for record in found} == {(name, 0)}

    def test_gives_back_every_part_of_a_record_as_it_was(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        headers = (("id", b"1"), ("id", b""), ("이름", b"\x00\xff"))
        rows: list[Row] = [
            (None, b"null key", 1, ()),
            (b"", b"empty key", 2, headers),
            (b"k", None, 3, ()),
            (b"k", b"", self.last_ms, (("h", b"x" * 70_000),)),
        ]
        slot.commit(Transaction(rows={(name, 0): rows}))
        found = everything(store, name)
        assert [(r.key, r.value, r.timestamp, r.headers) for r in found] == rows

    def test_time_of_the_write_stands_in_for_a_missing_timestamp(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        rows: list[Row] = [(None, b"a", None, ()), (None, b"b", 7, ()), (None, b"c", None, ())]
        before = int(time.time() * 1000)
        slot.commit(Transaction(rows={(name, 0): rows}))
        after = int(time.time() * 1000)
        first, given, last = (record.timestamp for record in everything(store, name))
        assert before <= first <= after
        assert before <= last <= after
        assert given == 7

    @pytest.mark.parametrize(
        "settings",
        [{}, {"message.timestamp.before.max.ms": "86400000", "max.message.bytes": "300000"}],
        ids=["usual", "strict"],
    )
    def test_takes_every_record_within_the_limits_of_its_topic(
        self, store: Store, slot: Slot, name: str, settings: dict[str, str]
    ) -> None:
        store.ensure_topics([TopicSpec(name, 1, settings=settings)])
        limits, now = store.limits(name), int(time.time() * 1000)
        first = 0 if limits.behind_ms is None else now - limits.behind_ms
        last = 253_402_300_799_999 if limits.ahead_ms is None else now + limits.ahead_ms
        value = random.randbytes(min(limits.record_bytes, 1 << 20))
        rows: list[Row] = [(None, value, at, ()) for at in (max(limits.first_ms, first), last)]
        slot.commit(Transaction(rows={(name, 0): rows}))
        assert [(r.key, r.value, r.timestamp, r.headers) for r in everything(store, name)] == rows

    def test_keeps_values_larger_than_a_mebibyte(self, store: Store, slot: Slot, name: str) -> None:
        values = [random.randbytes(size) for size in (1, 1 << 20, 3 << 20, 1)]
        store.ensure_topics([TopicSpec(name, 1, settings={"max.message.bytes": "8388608"})])
        slot.commit(Transaction(rows={(name, 0): [value_row(value) for value in values]}))
        assert [record.value for record in everything(store, name)] == values

    def test_reads_pages_of_any_size_without_gap_or_repetition(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        for first in (0, 2500, 2501):
            slot.commit(
                Transaction(rows={(name, 0): numbered(first, {0: 2500}.get(first, first + 1))})
            )
        reader = store.reader()
        for size in (1, 7, 999, 1000, 1001, 5000):
            at = everything(store, name)[2300].offset if size == 1 else 0
            seen = 2300 if size == 1 else 0
            while page := reader.read(name, 0, at, size):
                assert [int(r.value or b"") for r in page] == list(range(seen, seen + len(page)))
                assert page[0].offset >= at
                assert len(page) == min(size, 2502 - seen)
                at, seen = page[-1].offset + 1, seen + len(page)
            assert seen == 2502
        reader.close()

    def test_reads_nothing_at_and_after_the_end(self, store: Store, slot: Slot, name: str) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 3)}))
        reader = store.reader()
        assert reader.read(name, 0, 3) == []
        assert reader.read(name, 0, 1000) == []
        assert reader.read(name, 0, 0, 0) == []
        assert [record.offset for record in reader.read(name, 0, 2)] == [2]
        reader.close()

    def test_partitions_and_topics_count_apart(self, store: Store, slot: Slot, name: str) -> None:
        other = f"{name}.other"
        store.ensure_topics([TopicSpec(name, 3), TopicSpec(other)])
        rows = {(name, 0): numbered(0, 2), (name, 2): numbered(5, 6), (other, 0): numbered(7, 10)}
        slot.commit(Transaction(rows=rows))
        reader = store.reader()
        bounds = reader.bounds(name)
        assert [bounds[number][0] for number in range(3)] == [0, 0, 0]
        assert bounds[1] == (0, 0)
        if self.dense:
            assert bounds == {0: (0, 2), 1: (0, 0), 2: (0, 1)}
            assert reader.bounds(other) == {0: (0, 3)}
        assert [record.value for record in reader.read(name, 2, 0)] == [b"5"]
        assert reader.read(name, 1, 0) == []
        reader.close()

    def test_many_topics_fit_in_one_commit(self, store: Store, slot: Slot, name: str) -> None:
        count = 300
        store.ensure_topics([TopicSpec(f"{name}.{n}") for n in range(count)])
        for first in (0, 2):
            slot.commit(
                Transaction(
                    rows={(f"{name}.{n}", 0): numbered(first, first + 2) for n in range(count)},
                    offsets={(name, f'{{"n":{n}}}'): offset(first) for n in range(count)},
                )
            )
        assert slot.offsets(name) == {f'{{"n":{n}}}': offset(2) for n in range(count)}
        for n in (0, 1, 127, 128, 299):
            values = [record.value for record in everything(store, f"{name}.{n}")]
            assert values == [b"0", b"1", b"2", b"3"]

    # Topics

    def test_makes_missing_topics_and_leaves_those_that_exist(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        wanted = TopicSpec(name, 3, settings={"retention.ms": "-1"})
        assert store.ensure_topics([wanted, TopicSpec(f"{name}.one", 1)]) == {
            name: 3,
            f"{name}.one": 1,
        }
        assert store.ensure_topics([TopicSpec(name, 5)]) == {name: 3}
        reader = store.reader()
        (found,) = [topic for topic in reader.topics() if topic.name == name]
        assert (found.partitions, found.records, found.settings["retention.ms"]) == (3, 0, "-1")
        reader.close()

    def test_lists_topics_by_name_with_their_sizes(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        for suffix in ("b", "a", "c"):
            slot.commit(Transaction(rows={(f"{name}.{suffix}", 0): numbered(0, 4)}))
        reader = store.reader()
        found = [topic for topic in reader.topics() if topic.name.startswith(name)]
        assert [topic.name[-1] for topic in found] == ["a", "b", "c"]
        assert [(topic.partitions, topic.records) for topic in found] == [(1, 4)] * 3
        assert all((topic.bytes or 0) >= 4 for topic in found)
        reader.close()

    def test_describes_every_partition_by_number(self, store: Store, name: str) -> None:
        store.ensure_topics([TopicSpec(name, 3)])
        reader = store.reader()
        found = reader.describe(name)
        assert [each.partition for each in found] == [0, 1, 2]
        for each in found:
            assert set(each.in_sync) <= set(each.replicas)
            assert each.leader is None or each.leader in each.in_sync
        with pytest.raises(ConfigError, match=name):
            reader.describe(name[:-1])
        reader.close()

    @pytest.mark.parametrize("bad", ["", "a b", "a/b", "..", ".", "x" * 250, "é", "a\n", "a\x00"])
    def test_refuses_names_that_kafka_would_refuse(
        self, store: Store, slot: Slot, bad: str
    ) -> None:
        with pytest.raises(ConfigError):
            store.ensure_topics([TopicSpec(bad)])
        with pytest.raises(PyconnectError):
            slot.commit(Transaction(rows={(bad, 0): numbered(0, 1)}))

    def test_an_unknown_topic_is_an_error_with_the_nearest_name(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(f"{name}-quotes", 0): numbered(0, 1)}))
        reader = store.reader()
        with pytest.raises(ConfigError, match=f"{name}-quotes"):
            reader.bounds(f"{name}-qoutes")
        with pytest.raises(ConfigError, match=f"{name}-quotes"):
            reader.read(f"{name}-qoutes", 0, 0)
        with pytest.raises(ConfigError, match="no partition 9"):
            reader.read(f"{name}-quotes", 9, 0)
        reader.close()

    # Atomicity, offsets

    def test_offsets_are_those_of_the_last_commit(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        assert slot.offsets(name) == {}
        slot.commit(Transaction(offsets={(name, PART): offset(1), (name, "{}"): offset(5)}))
        slot.commit(
            Transaction(offsets={(name, PART): '{"n":2,"s":"é"}', (f"{name}2", PART): offset(9)})
        )
        assert slot.offsets(name) == {PART: '{"n":2,"s":"é"}', "{}": offset(5)}
        slot.commit(Transaction(offsets={(name, "{}"): None}))
        assert slot.offsets(name) == {PART: '{"n":2,"s":"é"}'}
        reader = store.reader()
        mine = [entry for entry in reader.offsets() if entry[0].startswith(name)]
        assert mine == [(name, PART, '{"n":2,"s":"é"}'), (f"{name}2", PART, offset(9))]
        reader.close()

    def test_the_next_owner_goes_on_from_what_was_committed(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(
            Transaction(rows={(name, 0): numbered(0, 2)}, offsets={(name, PART): offset(2)})
        )
        slot.release()
        again = store.acquire(store.slot_name(name))
        assert again.offsets(name) == {PART: offset(2)}
        again.commit(
            Transaction(rows={(name, 0): numbered(2, 3)}, offsets={(name, PART): offset(3)})
        )
        again.release()
        assert [record.value for record in everything(store, name)] == [b"0", b"1", b"2"]

    def test_a_commit_that_fails_stores_nothing_and_the_next_one_works(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        with pytest.raises(PyconnectError):
            slot.commit(
                Transaction(
                    rows={(name, 0): numbered(1, 5), ("not a name", 0): numbered(0, 1)},
                    offsets={(name, PART): offset(5)},
                    state={(name, PART): {"k": "5"}},
                )
            )
        assert slot.offsets(name) == {}
        assert slot.state(name, PART).get_many(["k"]) == {}
        slot.commit(Transaction(rows={(name, 0): numbered(1, 2)}))
        assert [record.value for record in everything(store, name)] == [b"0", b"1"]

    def test_what_is_staged_is_seen_with_its_commit_and_once(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        for first in (1, 11):
            at = {(name, PART): offset(first), (name, "{}"): offset(0)}
            slot.stage(Transaction({(name, 0): numbered(first, first + 3)}, at))
            assert len(everything(store, name)) == first
            rows = {(name, 0): numbered(first, first + 10)}
            slot.commit(Transaction(rows, at | {(name, PART): offset(first + 9)}))
            assert slot.offsets(name) == {PART: offset(first + 9), "{}": offset(0)}
        again = store.acquire(store.slot_name(name))
        assert again.offsets(name) == {PART: offset(20), "{}": offset(0)}
        again.release()
        assert [r.value for r in everything(store, name)] == [b"%d" % n for n in range(21)]

    def test_what_was_staged_for_another_commit_is_never_seen(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        elsewhere = {(name, 0): numbered(90, 95), (f"{name}2", 0): numbered(90, 91)}
        slot.stage(Transaction(elsewhere))
        slot.commit(Transaction(rows={(name, 0): numbered(1, 2)}))
        slot.stage(Transaction(rows={(name, 0): numbered(80, 81)}))
        slot.commit(Transaction(offsets={(name, PART): offset(1)}))
        slot.stage(Transaction(offsets={(name, "{}"): offset(70)}))
        slot.commit(Transaction(offsets={(name, PART): offset(2)}))
        slot.stage(Transaction({(name, 0): numbered(70, 71)}, {(name, PART): offset(9)}))
        slot.release()
        slot.stage(Transaction({(name, 0): numbered(60, 61)}, {(name, PART): offset(9)}))
        again = store.acquire(store.slot_name(name))
        again.commit(Transaction(rows={(name, 0): numbered(2, 3)}))
        assert again.offsets(name) == {PART: offset(2)}
        again.release()
        assert [r.value for r in everything(store, name)] == [b"0", b"1", b"2"]

    def test_an_empty_transaction_changes_nothing(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        slot.commit(Transaction())
        slot.commit(Transaction(rows={(name, 0): []}, state={(name, PART): {}}))
        assert len(everything(store, name)) == 1
        assert slot.offsets(name) == {}

    def test_a_reader_never_sees_half_a_commit(self, store: Store, slot: Slot, name: str) -> None:
        slot.commit(
            Transaction(rows={(name, 0): numbered(0, 1)}, offsets={(name, PART): offset(1)})
        )
        done = threading.Event()
        failures: list[BaseException] = []

        def write() -> None:
            try:
                for end in range(2, 60):
                    slot.commit(
                        Transaction(
                            rows={(name, 0): numbered(end - 1, end)},
                            offsets={(name, PART): offset(end)},
                            state={(name, PART): {"n": str(end)}},
                        )
                    )
            except BaseException as error:
                failures.append(error)
            finally:
                done.set()

        thread = threading.Thread(target=write)
        reader, state = store.reader(), slot.state(name, PART)
        thread.start()
        finished = False
        while not finished:
            finished = done.is_set()
            # What is read first can't be ahead of what is read later.
            seen = int(state.get_many(["n"]).get("n", "1"))
            (_, _, text) = next(entry for entry in reader.offsets() if entry[0] == name)
            moved = int(text[5:-1])
            (_, end) = reader.bounds(name)[0]
            records = len(reader.read(name, 0, 0))
            assert seen <= moved <= end <= records
            (_, _, text) = next(entry for entry in reader.offsets() if entry[0] == name)
            assert records <= int(text[5:-1])
        thread.join()
        reader.close()
        assert not failures
        assert (seen, moved, end, records) == (59, 59, 59, 59)

    # Owners

    def test_a_new_owner_fences_the_older_one(self, store: Store, slot: Slot, name: str) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        newer = store.acquire(store.slot_name(name))
        for _ in range(2):
            with pytest.raises(FencedError):
                slot.commit(
                    Transaction(
                        rows={(name, 0): numbered(9, 10)}, offsets={(name, PART): offset(9)}
                    )
                )
        newer.commit(Transaction(rows={(name, 0): numbered(1, 2)}))
        slot.release()
        newer.commit(Transaction(rows={(name, 0): numbered(2, 3)}))
        assert newer.offsets(name) == {}
        newer.release()
        assert [record.value for record in everything(store, name)] == [b"0", b"1", b"2"]

    def test_a_released_slot_never_commits(self, store: Store, slot: Slot, name: str) -> None:
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))
        slot.release()
        slot.release()
        with pytest.raises(FencedError):
            slot.commit(Transaction(rows={(name, 0): numbered(1, 2)}))
        assert len(everything(store, name)) == 1

    def test_commits_on_another_thread_than_the_one_that_acquired(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        thread = threading.Thread(
            target=slot.commit, args=(Transaction(rows={(name, 0): numbered(0, 2)}),)
        )
        thread.start()
        thread.join()
        assert len(everything(store, name)) == 2

    def test_a_closed_store_commits_nothing(self, store: Store, slot: Slot, name: str) -> None:
        store.close()
        store.close()
        with pytest.raises(PyconnectError):
            slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}))

    # Keyed state

    @pytest.fixture
    def state(self, slot: Slot, name: str) -> StateReader:
        return slot.state(name, PART)

    def test_scans_in_the_order_of_utf8_bytes(
        self, slot: Slot, name: str, state: StateReader
    ) -> None:
        # UTF-16 order would put the emoji (a surrogate pair) before U+FFFD.
        keys = ["b", "a", "\ufffd", "\U0001f600", "é", "Z", "\ue000", "\U0010ffff", "a\x00", "a "]
        slot.commit(Transaction(state={(name, PART): {key: f'"{key}"' for key in keys}}))
        ordered = sorted(keys, key=str.encode)
        assert [key for key, _ in state.scan("", "", 100)] == ordered
        assert state.scan("", "", 100) == [(key, f'"{key}"') for key in ordered]
        for size in (1, 3):
            assert list(pages(state, "", size)) == ordered

    @pytest.mark.parametrize(
        "prefix", ["a", "due|", "\ud7ff", "\U0010ffff", "x\U0010ffff", "\U0001f600", "é", ""]
    )
    def test_scans_a_prefix_and_nothing_else(
        self, slot: Slot, name: str, state: StateReader, prefix: str
    ) -> None:
        tails = ["", "\x00", "a", "\ue000", "\U0010ffff", "\U0010ffff\U0010ffff"]
        keys = {first + tail for first in ("a", "b", "due|", "duf", "\ud7ff") for tail in tails}
        keys |= {
            first + tail for first in ("\ue000", "\U0010ffff", "x\U0010ffff") for tail in tails
        }
        keys |= {first + tail for first in ("y", "\U0001f600", "é", "ê") for tail in tails}
        slot.commit(Transaction(state={(name, PART): dict.fromkeys(keys, "1")}))
        wanted = sorted((key for key in keys if key.startswith(prefix)), key=str.encode)
        assert list(pages(state, prefix, 1000)) == wanted
        assert list(pages(state, prefix, 2)) == wanted
        middle = wanted[len(wanted) // 2]
        after = [key for key, _ in state.scan(prefix, middle, 1000)]
        assert after == [key for key in wanted if key.encode() > middle.encode()]

    def test_state_is_replaced_deleted_and_kept_apart(
        self, slot: Slot, name: str, state: StateReader
    ) -> None:
        slot.commit(Transaction(state={(name, PART): {"a": "1", "b": "2", "c": "3"}}))
        slot.commit(Transaction(state={(name, "{}"): {"a": "9"}, (f"{name}2", PART): {"b": "8"}}))
        slot.commit(Transaction(state={(name, PART): {"a": "10", "b": None, "none": None}}))
        assert state.scan("", "", 10) == [("a", "10"), ("c", "3")]
        assert state.get_many(["a", "b", "c", "a"]) == {"a": "10", "c": "3"}
        assert state.get_many([]) == {}
        assert slot.state(name, "{}").scan("", "", 10) == [("a", "9")]
        assert slot.state(f"{name}2", PART).get_many(["a", "b"]) == {"b": "8"}
        assert slot.state("nobody", "{}").scan("", "", 10) == []
        assert slot.offsets(name) == {}

    def test_keeps_large_state_and_finds_many_keys(
        self, slot: Slot, name: str, state: StateReader
    ) -> None:
        wanted = {f"{number:05}": f'"{number}"' for number in range(1500)}
        wanted["k" * 1024] = '"' + "v" * (256 << 10) + '"'
        slot.commit(Transaction(state={(name, PART): dict(wanted)}))
        assert state.get_many([*wanted, "missing"]) == wanted
        assert len(state.scan("", "", 10_000)) == 1501
        assert len(state.scan("", "", 1000)) == 1000
        assert state.scan("", "", 0) == []
        slot.commit(Transaction(state={(name, PART): dict.fromkeys(list(wanted)[:1400])}))
        assert [key for key, _ in state.scan("", "", 10_000)] == list(wanted)[1400:]

    # Schemas

    def test_schemas_are_kept_in_order_and_once(self, store: Store, slot: Slot, name: str) -> None:
        first = SchemaRow(f"{name}-value", 1, 2**31 - 1, '"string"')
        second = SchemaRow(f"{name}-value", 2, 7, '{"type":"long"}')
        third = SchemaRow(f"{name}-key", 1, 7, '{"type":"long"}')
        slot.commit(Transaction(schemas=[first]))
        slot.commit(Transaction(rows={(name, 0): numbered(0, 1)}, schemas=[second, third]))
        slot.commit(Transaction(schemas=[first]))
        mine = [row for row in store.schemas() if row.subject.startswith(name)]
        assert mine == [first, second, third]
        reader = store.reader()
        assert [row for row in reader.schemas() if row.subject.startswith(name)] == mine
        reader.close()

    # Reset

    def test_reset_removes_offsets_and_state_together(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        places = [(name, PART), (name, "{}"), (f"{name}2", PART)]
        slot.commit(
            Transaction(
                offsets=dict.fromkeys(places, offset(1)),
                state={place: {"a": "1"} for place in [*places, (name, '{"state":"only"}')]},
            )
        )
        slot.release()
        assert store.reset(name, PART) == 1
        assert store.reset(name, PART) == 0
        assert store.reset(name) == 1
        assert store.reset("nobody") == 0
        slot = store.acquire(store.slot_name(name))
        assert slot.offsets(name) == {}
        for part in (PART, "{}", '{"state":"only"}'):
            assert slot.state(name, part).scan("", "", 10) == []
        assert slot.offsets(f"{name}2") == {PART: offset(1)}
        assert slot.state(f"{name}2", PART).scan("", "", 10) == [("a", "1")]
        slot.commit(
            Transaction(state={(name, PART): {"b": "2"}}, offsets={(name, PART): offset(2)})
        )
        assert slot.state(name, PART).scan("", "", 10) == [("b", "2")]
        slot.release()

    def test_set_offset_replaces_one_offset_and_keeps_state(
        self, store: Store, slot: Slot, name: str
    ) -> None:
        slot.commit(
            Transaction(
                offsets={(name, PART): offset(1), (name, "{}"): offset(1)},
                state={(name, PART): {"a": "1"}},
            )
        )
        slot.release()
        store.set_offset(name, PART, offset(40))
        store.set_offset(name, '{"page":2}', offset(50))
        slot = store.acquire(store.slot_name(name))
        assert slot.offsets(name) == {PART: offset(40), "{}": offset(1), '{"page":2}': offset(50)}
        assert slot.state(name, PART).scan("", "", 10) == [("a", "1")]
        slot.release()

    @pytest.mark.parametrize(
        "bad", ['{"n": 1}', '{"b":1,"a":2}', "[1]", "no", '{"n":{}}', '{"n":NaN}']
    )
    def test_set_offset_refuses_what_is_not_canonical(
        self, store: Store, slot: Slot, name: str, bad: str
    ) -> None:
        with pytest.raises(ConfigError):
            store.set_offset(name, PART, bad)
        with pytest.raises(ConfigError):
            store.set_offset(name, bad, offset(1))
        assert slot.offsets(name) == {}


def pages(state: StateReader, prefix: str, size: int) -> Iterable[str]:
    """Scan page by page, as a source would."""
    after = ""
    while page := state.scan(prefix, after, size):
        yield from (key for key, _ in page)
        after = page[-1][0]
