from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors_core.api.errors import ConfigError
from connectors_core.configs.tree import Mark
from connectors_core.configs.yaml import parse, read

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]
each_parser = pytest.mark.parametrize("loader", LOADERS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, word) for word in ("no", "No", "yes", "on", "off", "y", "n", "nUll", "tRue")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("-0x1F", "-0x1F"),
        ("0o8", "0o8"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e3", -1500.0),
        ("1e3", 1000.0),
        ("1e", "1e"),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ("-.inf", float("-inf")),
        (".Inf", float("inf")),
        ("inf", "inf"),
        ("nan", "nan"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("=", "="),
        ("٣", "٣"),
        ("시세", "시세"),
    ],
)
@each_parser
def test_scalars_are_those_of_yaml_1_2(text: str, value: object, loader: Any) -> None:
    made = parse(f"a: {text}\n", "f.yaml", loader)["a"]
    assert made == value
    assert type(made) is type(value)


@each_parser
def test_every_key_and_value_has_its_line_and_column(loader: Any) -> None:
    made = parse("a: 1\nbc:\n  - 005\n  - {d:   e}\n", "f.yaml", loader)
    assert made.marks["a"] == Mark(1, 1, 1, 4, "1")
    assert made.marks["bc"][:3] == (2, 1, 3)
    assert made["bc"].marks[0] == Mark(3, 5, 3, 5, "005")
    assert made["bc"][1].marks["d"] == Mark(4, 6, 4, 11, None)


@each_parser
def test_keys_are_text_as_written(loader: Any) -> None:
    assert dict(parse("005930: a\nno: b\ntrue: c\n~: d\n", "f", loader)) == {
        "005930": "a",
        "no": "b",
        "true": "c",
        "~": "d",
    }


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
NESTED_ALIASES = "a0: &a0 " + "[" * 40 + "]" * 40 + "\na1: " + "[" * 40 + "*a0" + "]" * 40


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a: already given in line 1: keep one"),
        ("a: {b: 1,\n b: 2}\n", 2, "b: already given in line 1: keep one"),
        ("1: a\n'1': b\n", 2, "1: already given in line 1"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("---\n", 2, "must be a map"),
        ("- a\n", 1, "must be a map"),
        ("text\n", 1, "must be a map"),
        ("", 1, "is empty"),
        ("a: *b\n", 1, "*b: no such anchor"),
        ("a: &b\n - *b\n", 2, "*b: stands within itself"),
        ("a: {x: 1}\n<<: {b: 1}\n", 2, "<<: maps can't be merged"),
        ("? [a]\n: b\n", 1, "a key must be plain text"),
        ("? {a: b}\n: b\n", 1, "a key must be plain text"),
        ("a: !!python/object/apply:os.system [x]\n", 1, "is not known"),
        ("a: !!set {x}\n", 1, "is not known"),
        ("a: !!timestamp 2024-01-01\n", 1, "is not known"),
        ("a: !env X\n", 1, "is not known"),
        ("a: !!int x\n", 1, "is not what its tag !!int says"),
        ("\ta: 1\n", 1, "Indent with spaces, not tabs."),
        ("a: b: c\n", 1, "in quotes, or fix the indentation"),
        ("a: @b\n", 1, "Put text that begins with this character in quotes."),
        ("a: *\n", 1, "Put text that begins with * or & in quotes."),
        ("a: 'x\n", 2, "Close the quotes or brackets."),
        ('a: "\\q"\n', 1, "Use single quotes"),
        ("a: 1\nb: x\x01\n", 2, "the control character U+0001 is not allowed"),
        ('a: "\\ud800"\n', 1, ""),
        ("a: " + "9" * 5000, 1, "a number of more than 1000 digits"),
        ("a: 1e999\n", 1, "a number too large"),
        ("a: " + "[" * 64 + "]" * 64, 1, "nested more than 64 deep"),
        ("[" * 200_000, 1, "rite it flatter"),  # a newer libyaml has a limit of its own
        ("- " * 200_000, 1, "nested more than 64 deep"),
        ("{a: " * 200_000, 1, "nested more than 64 deep"),
        (BOMB, 4, "aliases bring more than 1000 values"),
        (NESTED_ALIASES, 2, "nested more than 64 deep"),
    ],
)
@each_parser
def test_a_bad_file_is_refused_with_its_line(text: str, line: int, said: str, loader: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml", loader)
    found = int(caught.value.place.removeprefix("f.yaml:"))
    assert said in caught.value.message
    # Where a text is never closed the two parsers see it at its line or at the end.
    assert found == line or "Close" in said


@each_parser
def test_limits_are_met_exactly(loader: Any) -> None:
    parse("a: " + "[" * 63 + "]" * 63, "f", loader)
    parse("a: &a [1]\nb: [" + "*a, " * 500 + "]", "f", loader)
    with pytest.raises(ConfigError, match="aliases"):
        parse("a: &a [1]\nb: [" + "*a, " * 501 + "]", "f", loader)


@each_parser
def test_an_alias_is_the_value_of_its_anchor(loader: Any) -> None:
    made = parse("a: &x {b: [1]}\nc: *x\n&k d: *k\n", "f", loader)
    assert made["c"] == {"b": [1]}
    assert made["d"] == "d"


def test_a_file_is_read_whole_and_its_mark_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xec\x8b\x9c\r\n")
    assert dict(read(path)) == {"a": 1, "b": "시"}


def _huge(path: Path) -> None:
    path.write_text("a: " + "x" * (1 << 20))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "place", "said"),
    [
        (lambda path: None, "", "there is no such file"),
        (lambda path: path.mkdir(), "", "is a directory"),
        (_fifo, "", "is not a regular file"),
        (_huge, "", "is larger than 1 MiB"),
        (lambda path: path.write_bytes(b"a: 1\nb: \xff"), ":2", "is not UTF-8"),
        (lambda path: path.write_bytes("a: 1".encode("utf-16")), ":1", "is not UTF-8"),
        (lambda path: path.write_text(""), ":1", "is empty"),
        (lambda path: path.symlink_to(path), "", "can't be read"),
    ],
)
def test_what_is_no_file_to_read_is_refused(
    tmp_path: Path, make: Any, place: str, said: str
) -> None:
    path = tmp_path / "a.yaml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.place == f"{path}{place}"
    assert said in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        read(path)


def test_a_pattern_that_matched_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="matches no file"):
        read(tmp_path / "*.yaml")
