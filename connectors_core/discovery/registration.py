"""Asks one imported plugin through pluggy what it brings, and checks the answer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import pluggy

from connectors_core.api import hooks
from connectors_core.api.converter import Converter
from connectors_core.api.source import Source
from connectors_core.api.transform import Predicate, Transform
from connectors_core.discovery.failure import Mistake

CONTRACT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HOOKS = {
    "pyconnect_sources": "source",
    "pyconnect_transforms": "transform",
    "pyconnect_converters": "converter",
    "pyconnect_stores": "store",
    "pyconnect_commands": "command",
}
_BASES: dict[str, type[Any]] = {
    "source": Source,
    "transform": Transform,
    "predicate": Predicate,
    "converter": Converter,
}
Brought = dict[tuple[str, str], Any]
"""What a plugin brings, by kind and name."""


def brought(plugin: Any, name: str) -> Brought:
    """Return what a plugin brings. `name` is the one it is registered under.

    A manager for each plugin: a broken one is no part of what is asked of the others, and a module
    may stand behind several entry points. Raises Mistake, and whatever the plugin's hooks raise.
    """
    if inspect.isclass(plugin):
        return _named((_kind_of(plugin), plugin) for _ in range(1))
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    _check_names(plugin)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise Mistake(" ".join(str(error).split()), _file(plugin)) from error
    if manager.get_hookcallers(plugin):
        return _named(_asked(manager))
    return _named(_defined(plugin))


def _check_names(plugin: Any) -> None:
    """Refuse hooks that pluggy would pass over in silence: misspelt, or not marked."""
    for name in dir(plugin):
        if not name.startswith("pyconnect_") or not callable(getattr(plugin, name, None)):
            continue
        if name not in _HOOKS:
            (near,) = get_close_matches(name, _HOOKS, n=1, cutoff=0) or [""]
            raise Mistake(f"unknown hook {name}: did you mean {near}?", _file(plugin, name))
        if not hasattr(getattr(plugin, name), f"{hooks.PROJECT}_impl"):
            raise Mistake(f"{name} is not marked. Put @hookimpl above it.", _file(plugin, name))


def _file(plugin: Any, name: str | None = None) -> str:
    """Return where a plugin, or a function of it, is written."""
    try:
        file = inspect.getsourcefile(plugin) or ""
        line = inspect.getsourcelines(getattr(plugin, name))[1] if name else 1
    except (TypeError, OSError):
        return ""
    return f"{file}:{line}"


def _asked(manager: pluggy.PluginManager) -> Iterator[tuple[str, Any]]:
    for hook, kind in _HOOKS.items():
        for answer in getattr(manager.hook, hook)():
            if not isinstance(answer, Iterable) or isinstance(answer, str | type):
                shown = getattr(answer, "__name__", type(answer).__name__)
                raise Mistake(f"{hook} must return a list, got {shown}. Write return [{shown}].")
            for each in answer:
                yield _checked(hook, kind, each), each


def _checked(hook: str, kind: str, each: Any) -> str:
    """Return the kind of what a hook gave."""
    if kind in ("store", "command"):
        return kind
    allowed = ("transform", "predicate") if kind == "transform" else (kind,)
    found = _kind_of(each)
    if found not in allowed:
        raise Mistake(f"{hook} must return {kind} classes, got {each!r:.100}.")
    return found


def _kind_of(cls: Any) -> str:
    if isinstance(cls, type):
        for kind, base in _BASES.items():
            if issubclass(cls, base):
                return kind
    return ""


def _defined(plugin: Any) -> Iterator[tuple[str, Any]]:
    """Give the classes with a name that a module without hooks defines itself."""
    if isinstance(plugin, ModuleType):
        for each in vars(plugin).values():
            if _kind_of(each) and each.__module__ == plugin.__name__ and hasattr(each, "name"):
                yield _kind_of(each), each


def _named(found: Iterable[tuple[str, Any]]) -> Brought:
    made: Brought = {}
    for kind, each in found:
        name = getattr(each, "name", None)
        if not kind:
            raise Mistake(f"{each!r:.100} is none of {', '.join(_BASES)}.")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Mistake(f'{each!r:.100} needs a name: write name = "quotes" in the class.')
        if made.setdefault((kind, name), each) is not each:
            raise Mistake(f"brings two {kind}s named {name!r}. Rename one.")
        if kind == "source":
            _check_contract(each)
    if not made:
        raise Mistake("brings nothing. Define a Source with a name, or a function with @hookimpl.")
    return made


def _check_contract(source: Any) -> None:
    contract = source.contract
    if type(contract) is not int or contract < 1:
        raise Mistake(f"{source.name}: contract must be a whole number from 1, got {contract!r}.")
    if contract > CONTRACT:
        raise Mistake(
            f"{source.name} needs contract {contract}, this connectors-core has {CONTRACT}."
            " Upgrade connectors-core."
        )
