"""Fills in `${env:NAME}`, `${file:PATH}` and `${dir:PATH:KEY}` when a worker needs the values.

`${env:NAME:-default}` gives the default if the variable is unset or empty; `$${` is a plain `${`.
What has no provider (`${topic}`) stays as it is. Relative paths count from the working directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from connectors_core.configs.notation import Problems
from connectors_core.configs.secretfile import Unreadable, keyed, secret
from connectors_core.configs.tree import List, Map, Mark

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_ENV = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_SHELL = re.compile(r"[A-Z_][A-Z0-9_]*")
_PROVIDERS = ("env", "file", "dir")


class Provided(str):
    """Text that providers gave: never shown. `template` is what the file says.

    `whole` is True if one provider gave all of it; only then may a number be made of it.
    `failed` is True if nothing could be given, which is an error already noted.
    """

    template: str
    whole: bool
    failed: bool

    def __new__(
        cls, value: str, template: str, whole: bool = False, failed: bool = False
    ) -> Provided:
        made = super().__new__(cls, value)
        made.template, made.whole, made.failed = template, whole, failed
        return made

    def __repr__(self) -> str:
        return f"<{self.template}>"


@dataclass(slots=True)
class Providers:
    """Resolves the templates of files, each time anew.

    `given` holds, by value, the template of everything that was given: what MUST NOT be shown.
    `absent` stands for what can't be given; None makes that an error. The playground sets it, since
    it needs no real secrets.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    given: dict[str, str] = field(default_factory=dict, repr=False)
    absent: str | None = None

    def resolve(self, raw: Map, problems: Problems) -> Map:
        """Return the same map with all templates filled in. Blocking, if files are named."""
        made = Map()
        for key, value in raw.items():
            mark = raw.marks[key]
            made.put(key, self._value(value, mark, key, problems), mark)
        return made

    def _value(self, value: Any, mark: Mark, name: str, problems: Problems) -> Any:
        if isinstance(value, str):
            return self._text(value, mark, name, problems) if "${" in value else value
        if isinstance(value, Map):
            return self.resolve(value, problems)
        if isinstance(value, List):
            items = List()
            for item, at in zip(value, value.marks, strict=True):
                items.add(self._value(item, at, name, problems), at)
            return items
        return value

    def _text(self, template: str, mark: Mark, name: str, problems: Problems) -> str:
        failures: list[str] = []
        given: list[str] = []

        def fill(found: re.Match[str]) -> str:
            try:
                text = self._filled(found)
            except Unreadable as error:
                if self.absent is None:
                    failures.append(str(error))
                text = self.absent or ""
            if text is None:
                return found[0].removeprefix("$") if found[0] == "$${" else found[0]
            given.append(text)
            if text:
                self.given.setdefault(text, found[0])
            return text

        made = _REFERENCE.sub(fill, template)
        for failure in failures:
            problems.add(mark, f"{name}: {failure}", "config.provider")
        if not given and not failures:
            return made
        whole = len(given) == 1 and _REFERENCE.fullmatch(template) is not None
        return Provided(made, template, whole=whole, failed=bool(failures))

    def _filled(self, found: re.Match[str]) -> str | None:
        """Return what stands for one `${...}`, None if it is plain text."""
        if found[0] == "$${":
            return None
        if found[1] is None:
            raise Unreadable("${ is never closed. Add the }, or write $${ for the text itself.")
        provider, colon, rest = found[1].partition(":")
        if not colon:
            _refuse_shell(provider)
            return None
        if provider == "env":
            return self._env(rest)
        if provider == "file":
            return secret(rest)
        if provider == "dir":
            return keyed(rest)
        raise Unreadable(_unknown(provider))

    def _env(self, rest: str) -> str:
        found = _ENV.fullmatch(rest)
        if found is None:
            raise Unreadable(
                "${env:...} takes a variable, as in ${env:NAME} or ${env:NAME:-default}."
            )
        value = self.environ.get(found[1])
        if found[2] is not None:
            return value or found[2]
        if value is None:
            raise Unreadable(
                f"the environment variable {found[1]} is not set. Set it, or give a default:"
                f" ${{env:{found[1]}:-default}}."
            )
        return value


def _refuse_shell(name: str) -> None:
    if _SHELL.fullmatch(name):
        raise Unreadable(
            f"${{{name}}} has no provider. Write ${{env:{name}}}, or $${{{name}}} for the text."
        )


def _unknown(provider: str) -> str:
    near = get_close_matches(provider.lower(), _PROVIDERS, n=1)
    cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(_PROVIDERS)}."
    return f"{provider[:40]!r} is no provider of values. {cure} $${{ is a plain ${{."
