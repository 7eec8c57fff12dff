"""Names, settings and limits of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import TopicSpec
from connectors_core.stores.names import (
    canonical_problem,
    check_partition,
    check_topic,
    first_after,
    partitions_of,
    retention_of,
    unknown_topic,
)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 249, "..."])
def test_takes_the_names_that_kafka_takes(name: str) -> None:
    check_topic(name)


@pytest.mark.parametrize("partition", [-1, 10_000, 2**40])
def test_refuses_partitions_out_of_bounds(partition: int) -> None:
    with pytest.raises(ConfigError, match="0 to 9999"):
        check_partition("t", partition)


@pytest.mark.parametrize("partitions", [0, -2, 10_001])
def test_refuses_counts_out_of_bounds(partitions: int) -> None:
    with pytest.raises(ConfigError, match="partitions must be"):
        partitions_of(TopicSpec("t", partitions))


def test_a_topic_has_one_partition_unless_told_otherwise() -> None:
    assert partitions_of(TopicSpec("t")) == 1
    assert partitions_of(TopicSpec("t", 4)) == 4


def test_retention_is_the_stores_unless_the_topic_says_otherwise() -> None:
    assert retention_of(TopicSpec("t")) == (None, None)
    given_both = {"retention.ms": "1000", "retention.bytes": "-1"}
    assert retention_of(TopicSpec("t", settings=given_both)) == (1000, -1)
    assert retention_of(TopicSpec("t", settings={"cleanup.policy": "compact"})) == (-1, -1)
    both = {"cleanup.policy": "compact,delete", "retention.ms": "5"}
    assert retention_of(TopicSpec("t", settings=both)) == (5, None)


@pytest.mark.parametrize("value", ["", "-2", "1.5", "soon", "٣"])
def test_refuses_a_retention_that_is_no_whole_number(value: str) -> None:
    with pytest.raises(ConfigError, match=r"retention\.ms"):
        retention_of(TopicSpec("t", settings={"retention.ms": value}))


def test_names_the_topics_that_are_near_or_how_to_list_them() -> None:
    assert "Did you mean quotes?" in str(unknown_topic("qoutes", ["quotes", "pages"]))
    assert "pyconnect topics" in str(unknown_topic("zzz", ["quotes"]))


@given(st.text(max_size=4), st.text(max_size=8))
def test_first_after_parts_those_with_a_prefix_from_the_rest(prefix: str, other: str) -> None:
    end = first_after(prefix)
    inside = prefix.encode() <= other.encode() and (not end or other.encode() < end.encode())
    assert other.startswith(prefix) == inside


@pytest.mark.parametrize("text", ["{}", '{"a":1,"b":"é"}', '{"a":null,"b":1.5,"c":true}'])
def test_canonical_json_is_no_problem(text: str) -> None:
    assert canonical_problem(text, "offset") == ""


@pytest.mark.parametrize("text", ["", "null", "[]", '{"a": 1}', '{"b":1,"a":1}', "[" * 100_000])
def test_what_is_not_canonical_is_named(text: str) -> None:
    assert canonical_problem(text, "offset").startswith("offset ")
