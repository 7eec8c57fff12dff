"""`pyconnect offsets`: shown by anyone, changed only by the owner, and only on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

A = '{"path":"a.log"}'
B = '{"path":"b.log"}'


@pytest.fixture
def lines(log: Any) -> Any:
    log.offset("lines", A, '{"byte":10}')
    log.offset("lines", B, '{"byte":20}')
    log.offset("other", A, '{"byte":30}')
    return log


def stored(cli: Callable[..., Result]) -> dict[tuple[str, str], int]:
    found = json.loads(cli("offsets", "show", "--json").stdout)
    return {
        (row["connector"], row["partition"].get("path")): row["offset"]["byte"] for row in found
    }


def test_show_lists_connector_partition_and_offset(cli: Callable[..., Result], lines: Any) -> None:
    output = cli("offsets", "show", "lines").stdout.splitlines()
    assert [line.split() for line in output[1:]] == [
        ["lines", A, '{"byte":10}'],
        ["lines", B, '{"byte":20}'],
    ]


def test_show_json_has_maps(cli: Callable[..., Result], lines: Any) -> None:
    (row,) = json.loads(cli("offsets", "show", "other", "--json").stdout)
    assert row == {"connector": "other", "partition": {"path": "a.log"}, "offset": {"byte": 30}}


def test_set_replaces_one_offset(cli: Callable[..., Result], lines: Any) -> None:
    spaced = '{ "path" : "a.log" }'
    assert cli("offsets", "set", "lines", spaced, '{"byte": 5}', "--yes").exit_code == 0
    assert stored(cli) == {("lines", "a.log"): 5, ("lines", "b.log"): 20, ("other", "a.log"): 30}


def test_reset_removes_the_whole_connector_or_one_partition(
    cli: Callable[..., Result], lines: Any
) -> None:
    assert cli("offsets", "reset", "lines", "--partition", B, "--yes").exit_code == 0
    assert stored(cli) == {("lines", "a.log"): 10, ("other", "a.log"): 30}
    assert cli("offsets", "reset", "lines", "--yes").exit_code == 0
    assert stored(cli) == {("other", "a.log"): 30}


@pytest.mark.parametrize("answer", ["n\n", "", "\n"])
def test_nothing_changes_without_a_yes(cli: Callable[..., Result], lines: Any, answer: str) -> None:
    before = stored(cli)
    assert cli("offsets", "reset", "lines", input=answer).exit_code == 1
    assert cli("offsets", "set", "lines", A, '{"byte":1}', input=answer).exit_code == 1
    assert stored(cli) == before


def test_a_yes_is_enough(cli: Callable[..., Result], lines: Any) -> None:
    assert cli("offsets", "reset", "lines", input="y\n").exit_code == 0
    assert ("lines", "a.log") not in stored(cli)


def test_nothing_changes_while_another_owner_has_the_log(
    cli: Callable[..., Result], lines: Any
) -> None:
    owner = lines.open()
    try:
        reset = cli("offsets", "reset", "lines", "--yes")
        change = cli("offsets", "set", "lines", A, '{"byte":1}', "--yes")
    finally:
        owner.close()
    for result in (reset, change):
        assert result.exit_code == 3
        assert "stop it, then try again" in result.stderr
    assert stored(cli)[("lines", "a.log")] == 10


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": {"b": 1}}', "7", '{"a": NaN}'])
def test_an_offset_that_is_no_flat_map_is_a_mistake(
    cli: Callable[..., Result], lines: Any, text: str
) -> None:
    result = cli("offsets", "set", "lines", A, text, "--yes")
    assert result.exit_code == 2
    assert stored(cli)[("lines", "a.log")] == 10


def test_a_misspelt_connector_is_a_mistake_that_names_the_nearest(
    cli: Callable[..., Result], lines: Any
) -> None:
    for words in (("show", "line"), ("set", "line", A, '{"byte":1}', "--yes")):
        result = cli("offsets", *words)
        assert result.exit_code == 2
        assert "'lines'" in result.stderr


def test_a_reset_that_finds_nothing_names_the_nearest(
    cli: Callable[..., Result], lines: Any
) -> None:
    before = stored(cli)
    result = cli("offsets", "reset", "line", "--yes")
    assert result.exit_code == 0
    assert "line: 0 offsets removed" in result.stderr
    assert "no offset of 'line' is stored. Did you mean 'lines'?" in result.stderr
    assert stored(cli) == before
