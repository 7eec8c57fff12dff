from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.discovery import Catalogue, PluginInfo

SOURCE = """
from connectors_core import Record, Source, hookimpl

class Quotes(Source):
    name = "quotes"

    async def read(self, partition, offset):
        yield Record(1, offset={"n": 1})

@hookimpl
def pyconnect_sources():
    return [Quotes]
"""
TRANSFORMS = """
from connectors_core import Converter, Predicate, Transform, hookimpl

class Mask(Transform):
    name = "mask"

class Match(Predicate):
    name = "match"

class Json(Converter):
    name = "json"

@hookimpl
def pyconnect_transforms():
    return [Mask, Match]

@hookimpl
def pyconnect_converters():
    return [Json]
"""

Package = Callable[..., PathDistribution]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Install a distribution with one module: its metadata is real, its code is on the path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def _package(module: str, code: str, entries: str, name: str = "") -> PathDistribution:
        dist = name or module.replace("_", "-")
        (site / f"{module}.py").write_text(textwrap.dedent(code))
        info = site / f"{module}-2.1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[pyconnect]\n{entries}\n")
        return PathDistribution(info)

    yield _package
    for each in set(sys.modules) - before:
        del sys.modules[each]


@pytest.fixture
def plugin_file(tmp_path: Path) -> Callable[..., Path]:
    """Write an inline plugin file."""

    def _file(code: str, name: str = "own.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(code))
        return path

    return _file


def refused(look: Callable[[], object]) -> str:
    """Return the text of the ConfigError that a look-up raises."""
    with pytest.raises(ConfigError) as caught:
        look()
    return str(caught.value)


def test_an_entry_points_source_is_found_by_its_name(package: Package) -> None:
    found = Catalogue(distributions=[package("p_quotes", SOURCE, "quotes = p_quotes")])
    assert found.source("quotes").name == "quotes"
    assert found.source("p-quotes:quotes") is found.source("P.Quotes:quotes")


def test_listing_runs_no_code_of_a_package(package: Package) -> None:
    dist = package("p_evil", "raise RuntimeError('ran')", "evil = p_evil\nworse = p_evil:X")
    assert Catalogue(distributions=[dist]).plugins() == [
        PluginInfo("evil", "p-evil", "2.1", None, "p_evil"),
        PluginInfo("worse", "p-evil", "2.1", None, "p_evil:X"),
    ]
    assert "p_evil" not in sys.modules


def test_only_what_is_named_is_imported(package: Package) -> None:
    one = package("p_one", SOURCE, "quotes = p_one")
    two = package("p_two", SOURCE.replace('"quotes"', '"other"'), "other = p_two")
    found = Catalogue(distributions=[one, two])
    found.source("quotes")
    refused(lambda: found.source("quotess"))
    assert "p_one" in sys.modules
    assert "p_two" not in sys.modules


def test_built_ins_come_through_the_same_hooks(package: Package) -> None:
    package("p_builtin", TRANSFORMS, "")
    found = Catalogue(builtins=["p_builtin"], distributions=[])
    assert found.transform("mask").name == "mask"
    assert found.predicate("match").name == "match"
    assert found.converter("connectors-core:json").name == "json"
    module = sys.modules["p_builtin"]
    assert Catalogue(builtins=[module], distributions=[]).converter("json") is module.Json


def test_built_ins_are_not_imported_before_they_are_asked_for(package: Package) -> None:
    package("p_builtin", TRANSFORMS, "")
    Catalogue(builtins=["p_builtin"], distributions=[])
    assert "p_builtin" not in sys.modules


def test_a_transform_is_found_inside_a_package_of_another_name(package: Package) -> None:
    found = Catalogue(distributions=[package("p_tools", TRANSFORMS, "tools = p_tools")])
    assert found.transform("mask").name == "mask"
    assert found.predicate("p-tools:match").name == "match"


def test_an_entry_point_may_be_a_bare_module_a_class_or_one_of_many(package: Package) -> None:
    bare = SOURCE.partition("@hookimpl")[0]
    two = bare + "class Trades(Quotes):\n    name = 'trades'\n"
    found = Catalogue(
        distributions=[
            package("p_two", two, "quotes = p_two\ntrades = p_two"),
            package("p_cls", bare.replace('"quotes"', '"klass"'), "klass = p_cls:Quotes"),
        ]
    )
    assert found.source("trades").__name__ == "Trades"
    assert found.source("quotes").__name__ == "Quotes"
    assert found.source("klass").name == "klass"


def test_an_inline_file_needs_no_hook(plugin_file: Callable[..., Path]) -> None:
    path = plugin_file(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        from connectors_core import Config, Source

        @dataclass
        class Item:
            n: int

        class OwnConfig(Config):
            count: int = 1

        class Base(Source[OwnConfig]):
            pass

        class Own(Base):
            name = "own"
        """
    )
    found = Catalogue(files=[path], distributions=[])
    assert found.source("own").config_class().__name__ == "OwnConfig"
    assert found.source("own.py:own").__name__ == "Own"
    assert found.plugins() == [PluginInfo("own", "own.py", "", "source", str(path))]
    assert not (path.parent / "__pycache__").exists()


def test_a_class_that_a_file_imports_is_not_its_own(
    package: Package, plugin_file: Callable[..., Path]
) -> None:
    package("p_quotes", SOURCE, "")
    path = plugin_file("from p_quotes import Quotes\nclass Own(Quotes):\n    name = 'own'\n")
    assert [each.name for each in Catalogue(files=[path], distributions=[]).plugins()] == ["own"]


def test_an_inline_file_is_read_anew_each_time(
    plugin_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in ("aaaa", "bbbb"):
        path = plugin_file(SOURCE.replace('"quotes"', f'"{name}"'))
        os.utime(path, (1, 1))  # the same time and size: bytecode of the first would be taken
        assert Catalogue(files=[path], distributions=[]).source(name).name == name
        assert not (path.parent / "__pycache__").exists()


def test_an_inline_file_hides_no_module_of_its_name(plugin_file: Callable[..., Path]) -> None:
    import json

    path = plugin_file(SOURCE, "json.py")
    Catalogue(files=[path], distributions=[]).source("quotes")
    assert sys.modules["json"] is json


BROKEN = [
    ("import no_such_module_at_all", "ModuleNotFoundError: No module named", 1),
    ("\n1 / 0", "ZeroDivisionError: division by zero", 2),
    ("raise SystemExit(3)", "SystemExit: 3", 1),
    ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
    ("class E(BaseException): pass\nraise E('x')", "E: x", 2),
    ("def f():\n  return f()\nf()", "RecursionError", 2),
    ("x = (", "SyntaxError", 1),
    ("class E(Exception):\n  def __str__(self): 1/0\nraise E", "can't be shown", 3),
    ("raise ValueError('a\\nb\\x1b[31m' + 'c' * 9999)", r"ValueError: a b\x1b[31mccc", 1),
    ("x = 1", "brings nothing", None),
    ("from connectors_core import Source, hookimpl\nx = 1", "brings nothing", None),
    (SOURCE.replace("pyconnect_sources", "pyconnect_source"), "mean pyconnect_sources?", 10),
    (SOURCE.replace("@hookimpl\n", ""), "pyconnect_sources is not marked. Put @hookimpl", 10),
    (SOURCE.replace("pyconnect_sources", "sources"), "unknown hook", 1),
    (SOURCE.replace("pyconnect_sources()", "pyconnect_sources(x)"), "pyconnect_sources", 1),
    (SOURCE.replace("[Quotes]", "Quotes"), "must return a list, got Quotes", None),
    (SOURCE.replace("[Quotes]", "None"), "brings nothing", None),
    (SOURCE.replace("[Quotes]", "[1]"), "must return source classes, got 1", None),
    (SOURCE.replace("[Quotes]", "[Record]"), "must return source classes, got", None),
    (SOURCE.replace("return [Quotes]", "raise OSError('x')"), "OSError: x", 12),
    (SOURCE.replace("return [Quotes]", "yield Quotes; raise OSError('x')"), "OSError: x", 12),
    (SOURCE.replace('name = "quotes"', "pass"), "needs a name", None),
    (SOURCE.replace('"quotes"', '"a/b"'), "needs a name", None),
    (SOURCE.replace('"quotes"', '"quotes"; contract = 2'), "needs contract 2, this conn", None),
    (SOURCE.replace('"quotes"', '"quotes"; contract = "1"'), "must be a whole number", None),
    (SOURCE.replace('"quotes"', '"quotess"'), "brings sources named quotess. Give the", None),
    (
        SOURCE.replace("[Quotes]", "[Quotes, type('Q', (Source,), {'name': 'quotes'})]"),
        "brings two sources named 'quotes'",
        None,
    ),
]


@pytest.mark.parametrize(("code", "said", "line"), BROKEN)
def test_a_broken_plugin_is_told_and_hurts_no_other(
    package: Package, code: str, said: str, line: int | None
) -> None:
    bad = package("p_broken", code, "quotes = p_broken")
    good = package("p_good", SOURCE.replace('"quotes"', '"good"'), "good = p_good")
    found = Catalogue(distributions=[bad, good])
    assert found.source("good").name == "good"
    text = refused(lambda: found.source("quotes"))
    assert "the plugin 'quotes' of p-broken 2.1 can't be used: " in text
    assert said in text
    assert line is None or f"p_broken.py:{line})" in text
    assert len(text) < 900
    assert text.isprintable()
    errors = {each.name: each.error for each in found.check()}
    assert errors["good"] is None
    assert said in (errors["quotes"] or "")


def test_a_missing_attribute_or_module_is_told(package: Package) -> None:
    dist = package("p_half", SOURCE, "quotes = p_half:Nothing\nother = p_not_there")
    found = Catalogue(distributions=[dist])
    assert "has no attribute 'Nothing'" in refused(lambda: found.source("quotes"))
    assert "No module named 'p_not_there'" in refused(lambda: found.source("other"))


def test_a_broken_inline_file_is_told_where_a_name_is_missed(
    plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file("\n\n1 / 0\n")
    missing = tmp_path / "not_there.py"
    found = Catalogue(files=[path, missing], distributions=[])
    text = refused(lambda: found.source("quotes"))
    assert f"{path} can't be used: ZeroDivisionError: division by zero ({path}:3)" in text
    assert f"{missing} can't be used: there is no such file" in text
    assert [(each.name, each.error is None) for each in found.plugins()] == [
        ("not_there.py", False),
        ("own.py", False),
    ]


def test_a_name_that_two_plugins_claim_is_refused_with_the_cure(
    package: Package, plugin_file: Callable[..., Path]
) -> None:
    found = Catalogue(
        distributions=[
            package("p_one", SOURCE, "quotes = p_one"),
            package("p_two", SOURCE, "quotes = p_two"),
        ],
        files=[plugin_file(SOURCE)],
    )
    text = refused(lambda: found.source("quotes"))
    for name in ("p-one", "p-two", "own.py"):
        assert f"{name}:quotes" in text
        assert found.source(f"{name}:quotes").name == "quotes"
    assert len({found.source(f"{name}:quotes") for name in ("p-one", "p-two", "own.py")}) == 3
    assert all("also claimed by" in (each.error or "") for each in found.check())


def test_a_broken_plugin_still_claims_its_sources_name(package: Package) -> None:
    found = Catalogue(
        distributions=[
            package("p_one", SOURCE, "quotes = p_one"),
            package("p_two", "1 / 0", "quotes = p_two"),
        ]
    )
    assert "is claimed by p-one (p_one) and p-two (p_two)" in refused(
        lambda: found.source("quotes")
    )


def test_a_broken_plugin_takes_no_converter_from_the_built_ins(package: Package) -> None:
    package("p_builtin", TRANSFORMS, "")
    broken = package("p_broken", "1 / 0", "json = p_broken")
    found = Catalogue(builtins=["p_builtin"], distributions=[broken])
    assert found.converter("json").name == "json"


def test_the_same_name_for_two_kinds_is_no_conflict(package: Package) -> None:
    package("p_builtin", TRANSFORMS, "")
    dist = package("p_json", SOURCE.replace('"quotes"', '"json"'), "json = p_json")
    found = Catalogue(builtins=["p_builtin"], distributions=[dist])
    assert found.source("json").__name__ == "Quotes"
    assert found.converter("json").__name__ == "Json"
    assert all(each.error is None for each in found.check())


@pytest.mark.parametrize("name", ["quots", "Quotes", "quote"])
def test_an_unknown_name_suggests_the_nearest(package: Package, name: str) -> None:
    found = Catalogue(distributions=[package("p_quotes", SOURCE, "quotes = p_quotes")])
    assert "Did you mean quotes?" in refused(lambda: found.source(name))
    assert "p_quotes" not in sys.modules


def test_nothing_near_lists_what_there_is(package: Package) -> None:
    found = Catalogue(distributions=[package("p_quotes", SOURCE, "quotes = p_quotes")])
    assert "There are: quotes." in refused(lambda: found.source("zzz"))
    assert "No plugin is installed" in refused(lambda: Catalogue(distributions=[]).source("a"))


def test_an_unreadable_distribution_hides_only_itself(package: Package, tmp_path: Path) -> None:
    bad = package("p_bad", SOURCE, "quotes = p_bad")
    (tmp_path / "site" / "p_bad-2.1.dist-info" / "entry_points.txt").write_bytes(b"\xff[")
    good = package("p_good", SOURCE, "quotes = p_good")
    assert [each.distribution for each in Catalogue(distributions=[bad, good]).plugins()] == [
        "p-good"
    ]


def test_other_groups_are_not_ours(package: Package) -> None:
    dist = package("p_other", SOURCE, "[console_scripts]\nx = p_other:main")
    assert Catalogue(distributions=[dist]).plugins() == []


def test_the_installed_distributions_are_read_by_default() -> None:
    assert all(each.distribution for each in Catalogue().plugins())


def test_check_imports_everything_and_tells_what_each_brings(package: Package) -> None:
    one = package("p_quotes", SOURCE, "quotes = p_quotes")
    two = package("p_tools", TRANSFORMS, "tools = p_tools")
    found = Catalogue(distributions=[one, two])
    assert [(each.name, each.kind, each.distribution) for each in found.check()] == [
        ("json", "converter", "p-tools"),
        ("mask", "transform", "p-tools"),
        ("match", "predicate", "p-tools"),
        ("quotes", "source", "p-quotes"),
    ]


def test_commands_and_stores_are_found_too(package: Package) -> None:
    code = """
    from connectors_core import hookimpl

    class Command:
        name = "hello"

    class Store:
        name = "memory"

    @hookimpl
    def pyconnect_commands():
        return [Command()]

    @hookimpl
    def pyconnect_stores():
        return [Store]
    """
    found = Catalogue(distributions=[package("p_extra", code, "hello = p_extra")])
    assert found.command("hello").name == "hello"
    assert found.store("memory").name == "memory"


def test_a_module_object_with_a_broken_hook_is_isolated() -> None:
    module: Any = ModuleType("odd")

    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise SystemExit(name)

    module.odd = Odd()
    found = Catalogue(builtins=[module], distributions=[])
    assert found.check()[0].error
