"""Says in one plain sentence what is wrong with an option's value, and what to write instead."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from connectors_core.configs.kind import choices, expected, inside, is_list, is_secret
from connectors_core.configs.providers import Provided
from connectors_core.configs.scalar import scalar
from connectors_core.configs.tree import Mark

_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}
_LENGTHS = {
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
    "too_short": ("at least", "min_length", "items"),
    "too_long": ("at most", "max_length", "items"),
}
_TRUE = ("yes", "on", "y", "true")
_FALSE = ("no", "off", "n", "false")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that its option refuses. `kind` is the option's type, None if it is not known."""

    value: Any
    mark: Mark
    kind: Any
    type: str
    context: dict[str, Any]
    message: str

    def sentence(self) -> str:
        """Return what must be there, what is there, and the cure."""
        if self.type in _LIMITS:
            word, limit = _LIMITS[self.type]
            return f"must be {word} {self.context[limit]}, got {self.got()}."
        if self.type in _LENGTHS:
            word, limit, what = _LENGTHS[self.type]
            return f"must have {word} {self.context[limit]} {what}, got {self.got()}."
        if self.type in ("value_error", "assertion_error"):
            said = str(self.context.get("error") or self.message).strip() or "is refused"
            return said if said.endswith((".", "!", "?")) else f"{said}."
        return self._of_type()

    def _of_type(self) -> str:
        if self.value is None:
            return f"has no value. It takes {self.expected()}."
        cure = self._cure()
        return f"must be {self.expected()}, got {self.got()}.{' ' if cure else ''}{cure}"

    def expected(self) -> str:
        """Say what the option takes."""
        if self.type == "string_pattern_mismatch" and expected(self.kind) == "text":
            return f"text that matches {self.context.get('pattern')}"
        if self.kind is None:
            return self.message.removeprefix("Input should be ")
        return expected(self.kind)

    def got(self) -> str:
        """Say what is there; a secret's value is not shown."""
        return shown(self.value, self.mark, hidden=is_secret(self.kind))

    def _cure(self) -> str:
        value = self.value
        if isinstance(value, Provided | dict | list) or is_secret(self.kind):
            return ""
        wanted = list(choices(self.kind))
        if _takes_text(self.kind) and not isinstance(value, str):
            return f"Write {_quoted(self.mark.text, value)} in quotes."
        if bool in wanted and isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return f"Write {'true' if value.lower() in _TRUE else 'false'}."
        if isinstance(value, str) and (int in wanted or float in wanted):
            return _unquoted(value)
        if is_list(self.kind):
            return f"Write [{json.dumps(value, ensure_ascii=False)}]."
        return ""


def _takes_text(kind: Any) -> bool:
    return any(base is str or str in choices(inside(base, 0)) for base in choices(kind))


def _quoted(text: str | None, value: Any) -> str:
    return json.dumps(text or json.dumps(value), ensure_ascii=False)


def _unquoted(value: str) -> str:
    try:
        number = scalar(value.strip())
    except ValueError:
        return ""
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return f"Write {value.strip()} without quotes." if plain else ""


def shown(value: Any, mark: Mark, hidden: bool = False) -> str:
    """Return a value and what it is, as in `5930 (a number)`."""
    if isinstance(value, Provided):
        return f"what {value.template} gives"
    what = _what(value)
    if hidden or isinstance(value, dict | list) or value is None:
        return what
    text = json.dumps(value, ensure_ascii=False)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({what})"


def _what(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return f"a list of {len(value)} items" if len(value) != 1 else "a list of 1 item"
    return "nothing" if value is None else "text"
