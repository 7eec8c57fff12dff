"""Law of scopes: no yield inside a timeout or a task group."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import suppress

from connectors_core.api.source import Source
from connectors_core.testing.law import Broken, law, require
from connectors_core.testing.trial import Trial

SCOPES = {
    "CancelScope",
    "TaskGroup",
    "create_task_group",
    "fail_after",
    "fail_at",
    "move_on_after",
    "move_on_at",
    "open_nursery",
    "timeout",
    "timeout_at",
}
_MANAGER = "asynccontextmanager"


@law(seconds=20)
async def yields_outside_of_scopes(trial: Trial) -> None:
    """No generator yields inside a timeout or a task group.

    While a generator is suspended, its timeout cancels whatever its consumer awaits (PEP 789).

    Put the timeout around what you await, and yield behind it; `merge` reads several things at once.
    """
    for cls in trial.source.__mro__[: trial.source.__mro__.index(Source)]:
        _require_none_in_text(cls)
    await _require_none_in_a_reading(trial)


def _require_none_in_text(cls: type) -> None:
    try:
        lines, first = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return  # without its text there is the reading
    for line, scope in sorted(_found(ast.parse(textwrap.dedent("".join(lines))))):
        raise Broken(f"line {first + line - 1} of {cls.__module__} yields inside of {scope}.")


async def _require_none_in_a_reading(trial: Trial) -> None:
    """Look whether an item came out of a scope, in whatever function."""
    with suppress(Exception):  # a reading that fails is for other laws
        await trial.whole()
    around = trial.scopes
    require(not around, f"an item came while its generator was inside of a {'/'.join(around)}.")


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give line and scope of every yield inside one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and not _is_manager(node):
            yield from _inside(node, "")


def _inside(node: ast.AST, scope: str) -> Iterator[tuple[int, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Yield) and scope:
            yield child.lineno, scope
        yield from _inside(child, _scope(child) or scope)


def _scope(node: ast.AST) -> str:
    """Return the name of the scope that a `with` opens, "" if it opens none."""
    if not isinstance(node, ast.With | ast.AsyncWith):
        return ""
    names = (_name(item.context_expr) for item in node.items)
    return next((name for name in names if name in SCOPES), "")


def _name(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _is_manager(node: ast.AsyncFunctionDef) -> bool:
    return any(_name(each) == _MANAGER for each in node.decorator_list)


LAWS = (yields_outside_of_scopes,)
