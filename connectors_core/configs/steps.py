"""Transforms and predicates in a file: a list of one-key maps, a map, or aliases as in Connect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors_core.configs.notation import Problems, under
from connectors_core.configs.providers import Provided
from connectors_core.configs.tree import List, Map, Mark


@dataclass(slots=True)
class StepDraft:
    """One transform or predicate as written. `options` are the plugin's, flat or nested."""

    alias: str
    mark: Mark
    options: Map = field(default_factory=Map)

    def take(self, name: str, default: Any) -> tuple[Any, Mark]:
        """Remove one option that is not the plugin's, and return it with its mark."""
        mark = self.options.marks.get(name, self.mark)
        return self.options.pop(name, default), mark


def steps(framework: Map, what: str, problems: Problems) -> list[StepDraft]:
    """Return the steps in their order. `what` is `transforms` or `predicates`."""
    dotted = _dotted(framework, what, problems)
    if what not in framework:
        return list(dotted.values())
    listed = list(_listed(framework[what], framework.mark(what), what, problems))
    made = [dotted.pop(each.alias, each) if not each.options else each for each in listed]
    for alias, draft in dotted.items():
        problems.add(draft.mark, f"{what}.{alias}: is not listed in {what}. Add {alias} to it.")
    return _numbered(made)


def _dotted(framework: Map, what: str, problems: Problems) -> dict[str, StepDraft]:
    """Return the steps of `transforms.<alias>.<option>` by their alias."""
    found: dict[str, StepDraft] = {}
    below = under(framework, what)
    for name, value in below.items():
        alias, dot, option = name.partition(".")
        mark = below.marks[name]
        draft = found.setdefault(alias, StepDraft(alias, mark))
        if dot:
            problems.put(draft.options, option, value, mark)
        elif value is not None and value != {}:
            problems.add(mark, f"{what}.{alias}: must be a map. Write {alias}: {{type: NAME}}.")
    return found


def _listed(value: Any, mark: Mark, what: str, problems: Problems) -> Iterator[StepDraft]:
    if isinstance(value, str):
        for alias in filter(None, map(str.strip, value.split(","))):
            yield StepDraft(alias, mark)
    elif isinstance(value, List):
        for item, at in zip(value, value.marks, strict=True):
            yield from _item(item, at, what, problems)
    elif value is not None and value != {}:
        problems.add(mark, f"{what}: must be a list of one-key maps, or aliases with commas.")


def _item(item: Any, mark: Mark, what: str, problems: Problems) -> Iterator[StepDraft]:
    if isinstance(item, str) and item.strip():
        yield StepDraft(item.strip(), mark)
        return
    if isinstance(item, Map) and len(item) == 1:
        ((alias, options),) = item.items()
        if isinstance(options, Map):
            copy = Map()
            for name, value in options.items():
                copy.put(name, value, options.marks[name])
            yield StepDraft(alias, item.mark(alias), copy)
            return
        if options is None:
            yield StepDraft(alias, item.mark(alias))
            return
    problems.add(mark, f"{what}: an item is NAME, or NAME: {{its options}}, each with its own `-`.")


def _numbered(drafts: list[StepDraft]) -> list[StepDraft]:
    """Give every alias once: the second `mask` is `mask-2`."""
    taken: set[str] = set()
    for draft in drafts:
        plain, n = draft.alias, 1
        while draft.alias in taken:
            n += 1
            draft.alias = f"{plain}-{n}"
        taken.add(draft.alias)
        # The name of the plugin is the alias as written, unless `type` says otherwise.
        draft.options.setdefault("type", plain)
    return drafts


def kind_of(draft: StepDraft, what: str, problems: Problems) -> str:
    """Take the plugin's name from a step, "" if it is not text."""
    name, mark = draft.take("type", draft.alias)
    if isinstance(name, str) and name:
        return name
    problems.add(mark, f"{what}.{draft.alias}.type: must be the name of a plugin.")
    return ""


def condition_of(draft: StepDraft, problems: Problems) -> tuple[str, bool]:
    """Take `predicate` ("" for none) and `negate` from a transform."""
    prefix = f"transforms.{draft.alias}"
    alias, at = draft.take("predicate", "")
    negate, mark = draft.take("negate", False)
    if isinstance(negate, Provided) and negate in ("true", "false"):
        negate = negate == "true"
    if not isinstance(alias, str):
        problems.add(at, f"{prefix}.predicate: must be the alias of one of the predicates.")
        alias = ""
    if not isinstance(negate, bool):
        problems.add(mark, f"{prefix}.negate: must be true or false.")
    elif negate and not alias:
        problems.add(mark, f"{prefix}.negate: negates no predicate. Give one, or leave it out.")
    return alias, negate is True
