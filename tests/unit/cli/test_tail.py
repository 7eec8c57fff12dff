"""`pyconnect tail`: the newest records, and those that come."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result


def values(output: str) -> list[str]:
    return [json.loads(line)["value"] for line in output.splitlines()]


@pytest.fixture
def twelve(log: Any) -> Any:
    log.texts("letters", *"abcdefghijkl")
    return log


def test_shows_the_last_ten_then_ends(cli: Callable[..., Result], twelve: Any) -> None:
    result = cli("tail", "letters", "--format", "jsonl")
    assert (result.exit_code, values(result.stdout)) == (0, list("cdefghijkl"))


def test_shows_as_many_as_are_asked_for(cli: Callable[..., Result], twelve: Any) -> None:
    assert values(cli("tail", "letters", "-n", "2", "--format", "jsonl").stdout) == ["k", "l"]
    assert values(cli("tail", "letters", "-n", "0", "--format", "jsonl").stdout) == []


@pytest.mark.parametrize("count", ["-1", "1000000001", "9" * 20])
def test_a_count_that_nobody_can_mean_is_refused(
    cli: Callable[..., Result], twelve: Any, count: str
) -> None:
    result = cli("tail", "letters", "-n", count)
    assert result.exit_code == 2
    assert f"{count} is not in the range 0<=x<=1000000000" in result.stderr


@pytest.mark.parametrize(
    ("start", "found"), [("start", "abcdefghijkl"), ("9", "jkl"), ("99", ""), ("end", "")]
)
def test_from_gives_everything_from_there_on(
    cli: Callable[..., Result], twelve: Any, start: str, found: str
) -> None:
    result = cli("tail", "letters", "--from", start, "--format", "jsonl")
    assert values(result.stdout) == list(found)


def test_from_with_a_count_gives_at_most_so_many(cli: Callable[..., Result], twelve: Any) -> None:
    result = cli("tail", "letters", "--from", "3", "-n", "2", "--format", "jsonl")
    assert values(result.stdout) == ["d", "e"]


@pytest.mark.parametrize("start", ["-1", "now", "²", ""])
def test_from_refuses_what_is_no_place(cli: Callable[..., Result], twelve: Any, start: str) -> None:
    assert cli("tail", "letters", f"--from={start}").exit_code == 2


def test_the_newest_of_many_partitions_come_by_time_and_in_order(
    cli: Callable[..., Result], log: Any
) -> None:
    for partition in (0, 1):
        rows = [(None, str(10 * n + partition).encode(), 10 * n + partition, ()) for n in range(9)]
        log.write("numbers", rows, partition, partitions=2)
    result = cli("tail", "numbers", "-n", "5", "--format", "jsonl")
    assert values(result.stdout) == [61, 70, 71, 80, 81]


def test_a_line_is_place_time_key_and_value(cli: Callable[..., Result], prices: Any) -> None:
    first = cli("tail", "prices", "-n", "3").stdout.splitlines()[0]
    place, time, key, value = first.split("  ")
    assert (place, time, key) == ("0:0", "2023-11-14T22:13:20.123Z", "005930")
    assert json.loads(value)["price"] == "0.00000001"


def test_hostile_keys_and_values_stay_one_line_that_a_terminal_only_shows(
    cli: Callable[..., Result], log: Any
) -> None:
    hostile = "\x1b]0;owned\x07\r\n9:9\x9b\u202e\u2066\u2028\x00"
    log.write("evil", [(hostile.encode(), json.dumps(hostile).encode(), 0, ())])
    output = cli("tail", "evil").stdout
    assert len(output.splitlines()) == 1
    assert not set(output[:-1]) & set("\x1b\x07\r\n\x9b\u202e\u2066\u2028\x00")


def test_follow_with_both_a_start_and_a_count_is_refused(
    cli: Callable[..., Result], twelve: Any
) -> None:
    result = cli("tail", "letters", "--follow", "--from", "start", "-n", "3")
    assert result.exit_code == 2
