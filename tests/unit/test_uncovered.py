"""The list of what is not covered, and who holds it to the report."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.uncovered import HOW_OFTEN, PAGE, differences, listed_in, missing_of, percent

RUNTIME = Path(__file__).parents[2] / "connectors_core/runtime"
TABLE = """
| function | covered | why not |
|---|---|---|
| `a.f` | never | it kills |
| `a.C.g` | sometimes | a race |
"""


def function(lines: tuple[int, ...] = (), arcs: tuple[tuple[int, int], ...] = ()) -> Any:
    return {"missing_lines": [*lines], "missing_branches": [[*arc] for arc in arcs]}


def report(**functions: Any) -> dict[str, Any]:
    summary = {"covered_lines": 7, "num_statements": 8, "covered_branches": 1, "num_branches": 2}
    other = {"functions": {"h": function((1,))}, "summary": summary}
    names = {"": function(), **functions}
    return {
        "files": {
            "connectors_core/runtime/a.py": {"functions": names, "summary": summary},
            "connectors_core/herder/b.py": other,
        }
    }


def test_a_function_of_the_runtime_is_named_with_what_it_misses() -> None:
    found = missing_of(report(f=function((29,), ((28, 29), (30, -1))), **{"C.g": function()}))
    assert found == {"a": "", "a.f": "29, 28->29, 30->-1", "a.C.g": ""}


def test_lines_and_branches_count_alike() -> None:
    assert percent(report(), "runtime") == 80


def test_a_list_that_says_what_the_report_says_is_well() -> None:
    listed = listed_in(TABLE)
    assert listed == {"a.f": "never", "a.C.g": "sometimes"}
    for sometimes in ("", "12"):
        assert [*differences({"a.f": "29", "a.C.g": sometimes, "a.h": ""}, listed)] == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"a.f": "29", "a.C.g": "", "a.h": "3->5"}, "a.h: 3->5 not covered"),
        ({"a.f": "", "a.C.g": ""}, "a.f: covered. Take its row out"),
        ({"a.f": "29"}, "a.C.g: there is no such function"),
    ],
)
def test_what_differs_is_told_with_its_cure(missing: dict[str, str], said: str) -> None:
    (found,) = differences(missing, listed_in(TABLE))
    assert found.startswith(said)
    assert PAGE.name in found


def test_a_row_says_how_often() -> None:
    (found,) = differences({"a.f": "29"}, {"a.f": "rarely"})
    assert found == "a.f: 'rarely' is neither of never, sometimes."


def functions_of(tree: ast.AST, place: str) -> set[str]:
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{place}.{node.name}"
            found |= {name} | functions_of(node, name)
        else:
            found |= functions_of(node, place)
    return found


def test_every_row_is_of_a_function_that_is_there() -> None:
    """So that a fast test says so too."""
    there = set()
    for path in RUNTIME.glob("*.py"):
        there |= functions_of(ast.parse(path.read_text()), path.stem)
    listed = listed_in(PAGE.read_text())
    assert listed.keys() <= there
    assert set(listed.values()) <= {*HOW_OFTEN}
