"""Text from outside, made safe to show: no control characters, no tricks with direction."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
"""DEL and C1 (U+009B starts a terminal command as ESC [ does), bidirectional controls (Unicode
TR 36, 'Trojan Source'), line and paragraph separators, lone surrogates."""
_HOSTILE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_HOSTILE_IN_JSON = re.compile(f"[{_INVISIBLE}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str) -> str:
    """Return the text as one line that a terminal shows and does not obey."""
    return _HOSTILE.sub(_escaped, text)


def safe_json(text: str) -> str:
    """Return the same JSON value, with what a terminal obeys written as JSON escapes."""
    return _HOSTILE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes (wide characters take two)."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Return the text, shortened to so many columns with an ellipsis."""
    if width(text) <= columns:
        return text
    room, end = columns - 1, 0
    for end, character in enumerate(text):  # noqa: B007 - the index where it no longer fits
        room -= _columns(character)
        if room < 0:
            break
    return text[:end] + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
