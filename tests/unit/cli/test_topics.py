"""`pyconnect topics describe`, on a log that has no brokers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors_core.api.store import PartitionInfo
from connectors_core.cli.group import pyconnect
from connectors_core.cli.topics import _row


def test_the_embedded_log_says_that_there_is_one_copy(
    cli: Callable[..., Result], prices: Any
) -> None:
    said = cli("topics", "describe", "prices").stdout
    assert said.startswith("prices: 1 partition, in one copy, in ")
    found = json.loads(cli("topics", "describe", "prices", "--json").stdout)
    alone = {"partition": 0, "leader": None, "replicas": [], "in_sync": []}
    assert found == {"topic": "prices", "partitions": [alone]}


def test_an_unknown_topic_is_told_with_the_nearest(cli: Callable[..., Result], prices: Any) -> None:
    result = cli("topics", "describe", "price")
    assert result.exit_code == 2
    assert "prices" in result.stderr


@pytest.mark.parametrize("words", [["--json"], ["--kafka", "127.0.0.1:1"], ["--data-dir", "x"]])
def test_options_that_would_not_reach_the_command_are_refused(words: list[str]) -> None:
    result = CliRunner().invoke(pyconnect, ["topics", *words, "describe", "prices"])
    assert result.exit_code == 2
    assert "write the options of describe after its name" in result.stderr


def test_a_partition_without_a_leader_and_a_replica_out_of_sync_are_shown() -> None:
    lost = PartitionInfo(1, None, (3, 1, 2), (1,))
    assert _row(lost) == (1, "none", "1,2,3", "1", "2,3")
    assert _row(PartitionInfo(0, 2, (2, 1), (1, 2))) == (0, "2", "1,2", "1,2", None)
