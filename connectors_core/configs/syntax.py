"""Says in plain words what a YAML parser found wrong, and what to do about it."""

from __future__ import annotations

import yaml

from connectors_core.api.errors import ConfigError

_CURES = (
    ("mapping values are not allowed", 'Put text that has ": " in quotes, or fix the indentation.'),
    ("could not find expected ':'", 'Write "key: value", with a space after the colon.'),
    ("cannot start any token", "Put text that begins with this character in quotes."),
    ("unexpected end of stream", "Close the quotes or brackets."),
    ("did not find expected ',' or", "Close the bracket, or put a comma between the items."),
    ("expected ',' or", "Close the bracket, or put a comma between the items."),
    ("alphabetic or numeric character", "Put text that begins with * or & in quotes."),
    ("maximum nesting depth", "Write it flatter."),
    ("escape", "Use single quotes for text with backslashes."),
)


def syntax_error(error: yaml.YAMLError, text: str, file: str) -> ConfigError:
    """Return the ConfigError for what the parser raised, with its line."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        message = _sentence(error.problem or "not YAML", text, line, column)
        line += 1
    else:
        line, problem = _unreadable(text)
        message = f"{problem} is not allowed. Take it out, or write it as an escape in quotes."
    return ConfigError(message, code="config.yaml", place=f"{file}:{line}")


def _sentence(problem: str, text: str, line: int, column: int) -> str:
    at = "".join(text.split("\n")[line : line + 1])
    if at[column : column + 1] == "\t":
        return "a tab can't stand here. Indent with spaces, not tabs."
    cure = next((cure for sign, cure in _CURES if sign in problem), "")
    return f"{problem}. {cure or 'Check quotes, indentation and colons near here.'}"


def _unreadable(text: str) -> tuple[int, str]:
    """Return line and name of the first character that YAML does not allow (spec 5.1)."""
    for at, character in enumerate(text):
        code = ord(character)
        if (code < 32 and character not in "\t\n\r") or (0x7F <= code < 0xA0 and code != 0x85):
            return text.count("\n", 0, at) + 1, f"the control character U+{code:04X}"
        if code in (0xFFFE, 0xFFFF):
            return text.count("\n", 0, at) + 1, f"the character U+{code:04X}"
    return 1, "a character that is not YAML's"
