from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from connectors_core.configs.notation import Problems
from connectors_core.configs.providers import Provided, Providers
from connectors_core.configs.tree import List, Map, Mark

AT = Mark(4, 1, 4, 6)


def resolve(value: Any, **environ: str) -> tuple[Any, list[str]]:
    """Return what becomes of one value, and the problems."""
    raw, problems = Map(), Problems("f.yaml")
    raw.put("key", value, AT)
    made = Providers(environ=environ).resolve(raw, problems)["key"]
    return made, [str(each) for each in problems.found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${env:A}", "one"),
        ("x${env:A}y${env:B}z", "xoneytwoz"),
        ("${env:NONE:-three}", "three"),
        ("${env:EMPTY:-three}", "three"),
        ("${env:EMPTY}", ""),
        ("${env:NONE:-}", ""),
        ("${env:A:-three}", "one"),
        ("${env:NONE:-a:b/c}", "a:b/c"),
        ("$${env:A}", "${env:A}"),
        ("$${env:A} ${env:A}", "${env:A} one"),
        ("${topic}-${timestamp}", "${topic}-${timestamp}"),
        ("$A $ {env:A} {env:A}", "$A $ {env:A} {env:A}"),
        ("no template", "no template"),
    ],
)
def test_templates_are_filled_in(text: str, value: str) -> None:
    made, problems = resolve(text, A="one", B="two", EMPTY="")
    assert (made, problems) == (value, [])


def test_what_is_given_is_not_a_template_again() -> None:
    made, _ = resolve("${env:A}", A="${env:B}", B="x")
    assert made == "${env:B}"


def test_maps_and_lists_are_filled_in_and_the_raw_ones_kept() -> None:
    raw, inner, items = Map(), Map(), List()
    items.add("${env:A}", AT)
    inner.put("b", items, AT)
    raw.put("a", inner, AT)
    made = Providers(environ={"A": "x"}).resolve(raw, Problems("f"))
    assert made == {"a": {"b": ["x"]}}
    assert raw == {"a": {"b": ["${env:A}"]}}
    assert made["a"]["b"].marks == [AT]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${env:NONE}", "the environment variable NONE is not set. Set it, or give a default"),
        ("${env:}", "${env:...} takes a variable"),
        ("${env:A B}", "${env:...} takes a variable"),
        ("${env:A", "${ is never closed"),
        ("${evn:A}", "'evn' is no provider of values. Did you mean env?"),
        ("${vault:A}", "'vault' is no provider of values. There are env, file, dir."),
        ("${API_KEY}", "${API_KEY} has no provider. Write ${env:API_KEY}"),
        ("${file:}", "${file:...} takes a path"),
        ("${file:/not/there}", "/not/there can't be read (No such file or directory)"),
        ("${file:/a\0b}", "${file:...} takes a path"),
        ("${dir:/tmp}", "${dir:...} takes a directory and a file"),
        ("${dir:/tmp:../etc/passwd}", "'../etc/passwd' is not the name of a file"),
        ("${dir:/tmp:..}", "'..' is not the name of a file"),
    ],
)
def test_what_can_not_be_given_is_told_with_its_line(text: str, said: str) -> None:
    made, problems = resolve(text, A="one")
    assert len(problems) == 1
    assert problems[0].startswith(f"f.yaml:4: key: {said}")
    assert made.failed


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"x\n", "x"), (b"x\r\n", "x"), (b"x\n\n", "x\n"), (b" x", " x"), (b"", ""), (b"\n", "")],
)
def test_a_file_gives_its_text_without_one_newline(tmp_path: Path, data: bytes, value: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(data)
    assert resolve(f"${{file:{path}}}") == (value, [])
    assert resolve(f"${{dir:{tmp_path}:secret}}") == (value, [])


def _link(path: Path, to: str) -> None:
    path.symlink_to(to)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is not a regular file"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.write_bytes(b"x" * ((64 << 10) + 1)), "is larger than 64 KiB"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8"),
        (lambda path: _link(path, "/dev/null"), "is no file for secrets"),
        (lambda path: _link(path, "/dev/zero"), "is no file for secrets"),
        (lambda path: _link(path, str(path)), "can't be read"),
    ],
)
def test_only_small_regular_files_are_read(tmp_path: Path, make: Any, said: str) -> None:
    path = tmp_path / "secret"
    make(path)
    _, problems = resolve(f"${{file:{path}}}")
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
def test_the_process_is_not_read_by_any_way(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self")
    for path in ("/proc/self/environ", f"{tmp_path}/link/environ", "/tmp/../proc/self/environ"):
        _, problems = resolve(f"${{file:{path}}}")
        assert "is no file for secrets" in problems[0]


def test_a_link_may_lead_within_its_directory_but_not_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "mount" / "..data").mkdir(parents=True)
    (tmp_path / "mount" / "..data" / "token").write_text("in")
    (tmp_path / "mount" / "token").symlink_to("..data/token")
    (tmp_path / "outside").write_text("out")
    (tmp_path / "mount" / "other").symlink_to("../outside")
    assert resolve(f"${{dir:{tmp_path}/mount:token}}") == ("in", [])
    _, problems = resolve(f"${{dir:{tmp_path}/mount:other}}")
    assert "leads out of" in problems[0]


def test_what_is_given_is_never_shown() -> None:
    made, _ = resolve("a${env:A}", A="canary")
    assert isinstance(made, Provided)
    assert repr(made) == "<a${env:A}>"
    assert "canary" not in repr({"x": [made]})
    assert not made.whole


def test_a_default_counts_as_given_whole() -> None:
    made, _ = resolve("${env:NONE:-5}")
    assert isinstance(made, Provided)
    assert made.whole
