"""`topics`, `schemas` and `store check`: what the log holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result


def test_topics_lists_partitions_records_and_bytes(cli: Callable[..., Result], prices: Any) -> None:
    head, row = cli("topics").stdout.splitlines()
    assert head.split() == ["topic", "partitions", "records", "bytes"]
    assert row.split()[:3] == ["prices", "1", "3"]
    (found,) = json.loads(cli("topics", "--json").stdout)
    assert (found["name"], found["partitions"], found["records"]) == ("prices", 1, 3)


def test_schemas_lists_every_version(cli: Callable[..., Result], prices: Any) -> None:
    rows = [line.split() for line in cli("schemas").stdout.splitlines()[1:]]
    assert rows == [["prices-value", "1", "7"], ["prices-value", "2", "8"]]
    found = json.loads(cli("schemas", "--json").stdout)
    assert [row["schema"]["name"] for row in found] == ["Price", "Price"]


def test_schemas_shows_the_newest_or_the_one_asked_for(
    cli: Callable[..., Result], prices: Any
) -> None:
    newest = json.loads(cli("schemas", "prices-value").stdout)
    first = json.loads(cli("schemas", "prices-value", "--version", "1").stdout)
    assert (len(newest["fields"]), len(first["fields"])) == (5, 3)


@pytest.mark.parametrize(
    ("words", "cure"),
    [(["price-value"], "'prices-value'"), (["prices-value", "--version", "9"], "only 1, 2")],
)
def test_schemas_says_what_there_is_instead(
    cli: Callable[..., Result], prices: Any, words: list[str], cure: str
) -> None:
    result = cli("schemas", *words)
    assert result.exit_code == 2
    assert cure in result.stderr


def test_a_sound_log_is_ok(cli: Callable[..., Result], prices: Any) -> None:
    result = cli("store", "check")
    assert (result.exit_code, result.stdout) == (0, "ok\n")


def test_a_damaged_log_is_told_and_fails(cli: Callable[..., Result], prices: Any) -> None:
    with sqlite3.connect(prices.path) as connection:
        connection.execute("UPDATE batch SET data = zeroblob(length(data))")
    connection.close()
    result = cli("store", "check")
    assert result.exit_code == 3
    assert "prices" in result.stdout
