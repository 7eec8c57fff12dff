"""What a promotion decides, without a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import SchemaRow, StoredRecord, TopicInfo
from connectors_core.app.promotion import ledger
from connectors_core.app.promotion.decision import Found, onward
from connectors_core.app.promotion.difference import difference, portions
from connectors_core.app.promotion.fingerprint import Fingerprint, digest_of
from connectors_core.app.promotion.fit import expiring, misfits
from connectors_core.app.promotion.handover import decide
from connectors_core.app.promotion.ledger import Handed, Segment, TopicPartition
from connectors_core.app.promotion.plan import wanted
from connectors_core.app.promotion.proof import lost
from connectors_core.app.promotion.schemas import missing
from connectors_core.app.promotion.survey import Survey
from connectors_core.app.promotion.target import Limits

PARTITION = TopicPartition("prices", 2)
NOW = 1_700_000_000_000
RECORD = StoredRecord("prices", 2, 5, NOW, b"key", b"value", (("a", b"1"), ("b", b"2")))


def fingerprint(*records: StoredRecord, timed: bool = True) -> str:
    found = Fingerprint(timed=timed)
    for record in records:
        found.add(record)
    return found.digest


# Fingerprints


@pytest.mark.parametrize(
    "other",
    [
        replace(RECORD, key=None),
        replace(RECORD, key=b""),
        replace(RECORD, value=None),
        replace(RECORD, key=b"keyv", value=b"alue"),
        replace(RECORD, timestamp=NOW + 1),
        replace(RECORD, headers=(("b", b"2"), ("a", b"1"))),
        replace(RECORD, headers=(("a1", b""), ("b", b"2"))),
        replace(RECORD, headers=()),
    ],
)
def test_whatever_differs_in_a_record_changes_the_checksum(other: StoredRecord) -> None:
    assert fingerprint(RECORD) != fingerprint(other)


def test_where_a_record_is_kept_does_not_change_the_checksum() -> None:
    assert fingerprint(RECORD) == fingerprint(replace(RECORD, topic="x", partition=0, offset=9))


def test_the_order_of_records_and_their_number_change_the_checksum() -> None:
    other = replace(RECORD, value=b"other")
    seen = {fingerprint(*some) for some in ((), (RECORD,), (RECORD, other), (other, RECORD))}
    assert len(seen) == 4


def test_only_where_the_brokers_stamp_records_times_are_left_out() -> None:
    later = replace(RECORD, timestamp=NOW + 1)
    assert fingerprint(RECORD, timed=False) == fingerprint(later, timed=False)


def test_a_copy_goes_on_by_itself() -> None:
    first = Fingerprint(timed=True)
    first.add(RECORD)
    second = first.copy()
    second.add(RECORD)
    assert (first.count, first.digest) == (1, fingerprint(RECORD))
    assert (second.count, second.digest) == (2, fingerprint(RECORD, RECORD))


# Where the copying goes on


def surveyed(first: int, following: int, end: int) -> Survey:
    """Return a survey of records that are numbered by their offsets."""
    found = Survey(first, following, end, Fingerprint(timed=True), Fingerprint(timed=True))
    for offset in range(first, end):
        record = replace(RECORD, value=b"%d" % offset)
        found.whole.add(record)
        if offset < following:
            found.copied.add(record)
    return found


def segment(first: int, following: int, end: int | None = None, digest: str = "") -> Segment:
    digest = digest or surveyed(first, following, following).copied.digest
    return Segment("id", first, following, 100, end, digest, timed=True)


def go_on(found: Found, survey: Survey, *, append: bool = False) -> Segment | str | None:
    decided = onward(PARTITION, found, survey, append=append, timed=True)
    return decided.code if isinstance(decided, ConfigError) else decided


def test_an_empty_topic_is_copied_to_from_the_first_record_that_is_kept() -> None:
    found = go_on(Found(3, "id", None, False, 7), surveyed(3, 3, 9))
    assert found == Segment("id", 3, 3, 7, None, "", timed=True)


def test_what_is_copied_half_goes_on_from_there() -> None:
    half = segment(0, 5)
    assert go_on(Found(0, "id", half, False, 200), surveyed(0, 5, 9)) is half


def test_what_is_whole_and_has_grown_goes_on_from_there() -> None:
    whole = segment(0, 5, end=106)
    assert go_on(Found(0, "id", whole, False, 106), surveyed(0, 5, 9)) is whole


def test_others_records_are_written_behind_only_if_that_is_asked_for() -> None:
    whole, log = segment(0, 5, end=106), surveyed(0, 5, 9)
    assert go_on(Found(0, "id", None, True, 7), surveyed(0, 0, 9)) == "promote.not-empty"
    assert go_on(Found(0, "id", whole, True, 120), log) == "promote.not-empty"
    behind = go_on(Found(0, "id", whole, True, 120), log, append=True)
    assert behind == Segment("id", 5, 5, 120, None, "", timed=True)


def test_others_records_are_no_matter_where_nothing_is_to_be_copied() -> None:
    whole = segment(0, 5, end=106)
    assert go_on(Found(0, "id", whole, True, 120), surveyed(0, 5, 5)) is whole
    assert isinstance(go_on(Found(0, "id", None, True, 7), surveyed(0, 0, 0)), Segment)


@pytest.mark.parametrize("end", [4, 9], ids=["shorter", "other records"])
def test_another_log_is_never_taken_for_the_one_that_was_copied(end: int) -> None:
    half, whole = segment(0, 5, digest="other"), segment(0, 5, end=106, digest="other")
    log = surveyed(0, 5, end)
    assert go_on(Found(0, "id", half, False, 200), log, append=True) == "promote.unfinished"
    assert go_on(Found(0, "id", whole, False, 106), log) == "promote.other-log"
    anew = go_on(Found(0, "id", whole, False, 106), log, append=True)
    assert anew == Segment("id", 0, 0, 106, None, "", timed=True)


def test_records_that_the_log_has_lost_since_are_passed_over() -> None:
    whole = segment(0, 5, end=106)
    assert go_on(Found(3, "id", whole, False, 106), surveyed(3, 5, 9)) == Segment(
        "id", 5, 5, 106, None, "", timed=True
    )
    gap = go_on(Found(7, "id", whole, False, 106), surveyed(7, 5, 9))
    assert isinstance(gap, Segment) and gap.next == 7


def test_only_segments_that_can_not_be_compared_with_the_log_are_settled() -> None:
    half, whole = segment(0, 5), segment(0, 5, end=106)
    for kept, first, settled in ((half, 1, True), (half, 0, False), (whole, 1, False)):
        remembered = {ledger.segment_key(PARTITION): kept.encoded()}
        assert lost(remembered, {PARTITION: first}) == ([(PARTITION, kept)] if settled else [])
    assert lost({}, {PARTITION: 3}) == []


# Connectors

HERE, THERE = {"{}": '{"n":5}'}, {"{}": '{"n":3}'}


def handed(offsets: dict[str, str], *, done: bool = True, log: str = "log", before: str = "") -> Handed:  # fmt: skip
    return Handed(log, before, digest_of(offsets), "state", done)


def action(there: dict[str, str], before: Handed | None, existing: str = "refuse") -> str:
    try:
        return decide("c", handed(HERE), there, HERE, before, existing)  # type: ignore[arg-type]
    except ConfigError as error:
        return error.code


@pytest.mark.parametrize(
    ("there", "before", "wanted"),
    [
        ({}, None, "move"),
        (HERE, None, "move"),
        (THERE, None, "promote.ahead"),
        (THERE, handed(HERE), "none"),
        (THERE, handed(HERE, log="moved file"), "none"),
        (THERE, handed(THERE), "move"),
        (THERE, handed(THERE, log="other"), "promote.ahead"),
        (THERE, handed(THERE, done=False), "promote.ahead"),
        (THERE, handed(HERE, done=False, before=digest_of(THERE)), "move"),
        (THERE, handed(HERE, done=False, before=digest_of({})), "promote.ahead"),
    ],
)
def test_a_connector_is_moved_only_if_it_has_not_gone_on(
    there: dict[str, str], before: Handed | None, wanted: str
) -> None:
    assert action(there, before) == wanted


def test_a_connector_that_has_gone_on_is_kept_or_replaced_if_that_is_asked_for() -> None:
    assert action(THERE, None, "keep") == "keep"
    assert action(THERE, None, "replace") == "move"
    assert action(THERE, handed(HERE), "replace") == "none", "twice the same command"


# State

STATES = st.dictionaries(st.text(min_size=1, max_size=2), st.sampled_from(["1", "2"]), max_size=12)


@given(STATES, STATES)
def test_the_changes_make_one_state_of_the_other_and_are_the_fewest(
    here: dict[str, str], there: dict[str, str]
) -> None:
    changes = list(difference(sorted(here.items()), sorted(there.items())))
    made = dict(there)
    for key, value in changes:
        assert made.get(key) != value
        if value is None:
            del made[key]
        else:
            made[key] = value
    assert made == here
    assert [key for key, _ in changes] == sorted({key for key, _ in changes})


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 9), st.integers(1, 30))
def test_portions_lose_nothing_and_are_bounded(sizes: list[int], count: int, size: int) -> None:
    changes = [("{}", (str(at % 10), "x" * each)) for at, each in enumerate(sizes)]
    found = list(portions(changes, count, size))
    assert [one for some in found for one in some] == changes
    assert all(0 < len(some) <= count for some in found)
    for some in found:
        assert sum(1 + len(value or "") for _, (_, value) in some[:-1]) < size


# Schemas, topics, limits


def test_schemas_keep_their_ids_and_are_registered_once() -> None:
    first = SchemaRow("a-value", 1, 7, '"string"')
    second = SchemaRow("a-value", 2, 8, '"long"')
    assert missing([first, second], []) == [first, second]
    assert missing([first, second], [first]) == [second]
    assert missing([first], [first, second]) == []
    theirs = SchemaRow("a-value", 1, 9, '"int"')
    assert missing([first], [theirs]) == [replace(first, version=2)]


def test_an_id_that_is_another_schema_is_refused_and_the_same_one_is_not() -> None:
    row = SchemaRow("a-value", 1, 7, '"string"')
    assert missing([row], [SchemaRow("b-value", 1, 7, '{"type": "string"}')]) == [row]
    with pytest.raises(ConfigError, match="a-value: version 1 has the id 7"):
        missing([row], [SchemaRow("b-value", 1, 7, '"long"')])


def test_a_topic_is_made_with_its_settings_and_never_with_fewer_partitions() -> None:
    topic = TopicInfo("prices", 3, 0, 0, {"retention.ms": "5"})
    assert wanted([topic], {})["prices"].partitions == 3
    assert wanted([topic], {})["prices"].settings == {"retention.ms": "5"}
    assert wanted([topic], {"prices": 6})["prices"].partitions == 6
    for wrong in ({"prices": 2}, {"price": 6}):
        with pytest.raises(ConfigError):
            wanted([topic], wrong)


def test_what_is_not_known_of_a_topic_yet_is_not_refused() -> None:
    found = surveyed(0, 0, 1)
    found.extremes.add(replace(RECORD, value=b"x" * 10_000_000, timestamp=NOW + 10**12))
    assert misfits(PARTITION, found, Limits.of({}), NOW) == []
    known = Limits.of({"max.message.bytes": "1000", "message.timestamp.after.max.ms": "5"})
    assert [each.code for each in misfits(PARTITION, found, known, NOW)] == [
        "promote.too-large",
        "promote.timestamp",
    ]


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"retention.ms": "1000"}, True),
        ({"retention.ms": "-1"}, False),
        ({"retention.ms": "9000"}, False),
        ({"retention.ms": "1000", "cleanup.policy": "compact"}, False),
        ({"retention.ms": "1000", "message.timestamp.type": "LogAppendTime"}, False),
    ],
)
def test_only_records_that_the_brokers_would_remove_soon_are_warned_of(
    settings: dict[str, str | None], warned: bool
) -> None:
    found = surveyed(0, 0, 1)
    found.extremes.add(replace(RECORD, timestamp=NOW - 5000))
    assert bool(expiring(PARTITION, found, Limits.of(settings), NOW)) == warned
