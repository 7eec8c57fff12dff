"""The house: what a new module may not do, however well its tests pass."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors_core

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(ROOT.glob("plugins/*/pyconnect_*"))
MODULES = sorted(
    module for package in (ROOT / "connectors_core", *PLUGINS) for module in package.rglob("*.py")
)
MODULE_LINES = 400
FUNCTION_LINES = 50
HEAVY = {
    "click", "confluent_kafka", "fastavro", "httpx", "pydantic", "rich", "sqlite3", "websockets",
    "yaml",
}  # fmt: skip


def place(module: Path) -> str:
    return str(module.relative_to(ROOT))


def long_functions(text: str) -> Iterator[str]:
    """Give `line name` of every function over the limit, its signature and docstring aside."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
            if (node.end_lineno or 0) - first.lineno >= FUNCTION_LINES:
                yield f"{node.lineno} {node.name}"


def deep_imports(text: str) -> Iterator[str]:
    """Give every import of something in connectors_core that a plugin may not know."""
    for node in ast.walk(ast.parse(text)):
        names = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        for name in names:
            top, _, rest = name.partition(".")
            if top == "connectors_core" and rest.split(".")[0] not in {"", "clients", "testing"}:
                yield f"{getattr(node, 'lineno', 0)} {name}"


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 100
    assert len(PLUGINS) >= 4


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_modules_and_functions_stay_small(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    assert not list(long_functions(text))


def test_nothing_is_called_utils() -> None:
    shunned = {"utils", "util", "helpers", "common", "misc"}
    assert not [place(module) for module in MODULES if shunned & {module.stem, module.parent.name}]


@pytest.mark.parametrize(
    "module", [one for one in MODULES if one.is_relative_to(ROOT / "plugins")], ids=place
)
def test_plugins_import_only_what_is_theirs_to_know(module: Path) -> None:
    assert not list(deep_imports(module.read_text()))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from connectors_core import Record", []),
        ("from connectors_core.testing import MemoryContext", []),
        ("from connectors_core.api.record import Record", ["1 connectors_core.api.record"]),
        ("def f():\n    import connectors_core.runtime", ["2 connectors_core.runtime"]),
    ],
)
def test_a_deep_import_is_seen(text: str, found: list[str]) -> None:
    assert list(deep_imports(text)) == found


def test_a_long_function_is_seen() -> None:
    lines = "\n".join("    pass" for _ in range(FUNCTION_LINES))
    assert list(long_functions(f"def f():\n{lines}")) == []
    assert list(long_functions(f"def f():\n    '''Say.'''\n{lines}\n    pass")) == ["1 f"]


def test_every_exported_word_is_there() -> None:
    assert connectors_core.__all__ == sorted(connectors_core.__all__)
    assert all(getattr(connectors_core, name) for name in connectors_core.__all__)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import connectors_core") & HEAVY


def test_the_options_of_a_client_need_no_client() -> None:
    loaded = loaded_by("from connectors_core.clients import HttpConfig, WebSocketConfig")
    assert not loaded & {"httpx", "websockets"}


def test_help_loads_only_what_it_shows() -> None:
    statement = (
        "from connectors_core.cli import main\n"
        "sys.argv = ['pyconnect', '--help']\n"
        "sys.stdout = open('/dev/null', 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__"
    )
    loaded = loaded_by(statement)
    assert "click" in loaded
    assert not loaded & (HEAVY - {"click"})
