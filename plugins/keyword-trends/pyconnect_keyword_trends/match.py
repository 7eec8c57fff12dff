"""Matcher: finds thousands of keywords in a text in one pass (Aho and Corasick, 1975)."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterable, Mapping

_EMPTY: Mapping[str, int] = {}
# Scripts written without a space between a word and what is added to it: Hangul (particles),
# Han, Kana. A keyword that begins or ends in one of them needs no boundary there.
_OPEN_RANGES = (
    (0x1100, 0x11FF),
    (0x2E80, 0x30FF),
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x20000, 0x3FFFF),
)


def fold(text: str) -> str:
    """Return the form in which texts are compared: NFC, case folded, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.split())


def _joins(char: str) -> bool:
    """Say whether a letter would make another word of the letter beside it."""
    if char.isascii():
        return char.isalnum() or char == "_"
    return char.isalnum() and not any(low <= ord(char) <= high for low, high in _OPEN_RANGES)


class Matcher:
    """Counts folded keywords in folded texts; keywords may overlap, each is counted.

    With `words`, a keyword's end that is a letter of an alphabet or a digit must be the end of a
    word: `go` is not in `google`, but `python` is in `python은` and `삼성전자` in `삼성전자가`.
    """

    def __init__(self, keywords: Iterable[str], *, words: bool = True) -> None:
        self._keywords = list(keywords)
        self._head = [words and _joins(keyword[0]) for keyword in self._keywords]
        self._tail = [words and _joins(keyword[-1]) for keyword in self._keywords]
        self._next: list[Mapping[str, int]] = [_EMPTY]
        self._fail = [0]
        self._ends: list[tuple[int, ...]] = [()]
        for number, keyword in enumerate(self._keywords):
            self._insert(number, keyword)
        self._link()

    def _insert(self, number: int, keyword: str) -> None:
        node = 0
        for char in keyword:
            if char not in self._next[node]:
                self._next[node] = {**self._next[node], char: len(self._next)}
                self._next.append(_EMPTY)
                self._fail.append(0)
                self._ends.append(())
            node = self._next[node][char]
        self._ends[node] += (number,)

    def _link(self) -> None:
        waiting = deque(self._next[0].values())
        while waiting:
            node = waiting.popleft()
            for char, child in self._next[node].items():
                waiting.append(child)
                self._fail[child] = self._step(self._fail[node], char)
                self._ends[child] += self._ends[self._fail[child]]

    def _step(self, node: int, char: str) -> int:
        while node and char not in self._next[node]:
            node = self._fail[node]
        return self._next[node].get(char, 0)

    def count(self, text: str) -> dict[str, int]:
        """Return the keywords in a folded text with how often; one keyword never overlaps itself."""
        found: dict[str, int] = {}
        free: dict[int, int] = {}
        node = 0
        nodes, ends = self._next, self._ends
        for at, char in enumerate(text):
            node = nodes[node].get(char) or self._step(node, char)
            for number in ends[node]:
                keyword = self._keywords[number]
                start = at + 1 - len(keyword)
                if start >= free.get(number, 0) and self._bounded(number, text, start, at + 1):
                    free[number] = at + 1
                    found[keyword] = found.get(keyword, 0) + 1
        return found

    def _bounded(self, number: int, text: str, start: int, end: int) -> bool:
        if self._head[number] and start and _joins(text[start - 1]):
            return False
        return not (self._tail[number] and end < len(text) and _joins(text[end]))
