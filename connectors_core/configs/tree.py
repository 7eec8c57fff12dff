"""Maps and lists that remember where in their file each key and value stands."""

from __future__ import annotations

from typing import Any, NamedTuple

MAX_DEPTH = 64


class Mark(NamedTuple):
    """Where a key and its value stand; lines and columns count from 1. For an item of a list both
    are the item's. `text` is how a plain scalar that is not text was spelt, else None."""

    line: int
    column: int
    value_line: int
    value_column: int
    text: str | None = None


TOP = Mark(1, 1, 1, 1)


class Map(dict[str, Any]):
    """A map of a file: text keys in order, with a mark for each."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, Mark] = {}

    def put(self, key: str, value: Any, mark: Mark) -> None:
        """Set a key with its mark."""
        self[key] = value
        self.marks[key] = mark

    def mark(self, key: str) -> Mark:
        """Return the mark of a key, the top of the file for one that is not there."""
        return self.marks.get(key, TOP)


class List(list[Any]):
    """A list of a file, with a mark for each item."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []

    def add(self, value: Any, mark: Mark) -> None:
        """Append an item with its mark."""
        self.append(value)
        self.marks.append(mark)
