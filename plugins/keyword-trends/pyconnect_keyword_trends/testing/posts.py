"""Posts: a scripted stream of fourteen windows, for the contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.testing.gated import Gated
from pyconnect_keyword_trends.testing.scripted import expected, post

BEGIN_MS, WINDOW_MS, WINDOWS, POSTS = 1_788_318_000_000, 2000, 14, 100
KEPT = 3
"""How many windows are still there when the others are pruned."""
KEYWORDS = ["kafka", "python", "삼성전자"]
TEXTS = ("삼성전자가 올랐다", "kafka kafka", "nothing", "python and kafka", "점심 뭐 먹지")


class Posts(Gated):
    """Fourteen windows of posts, of which two are silent on the keywords, and the end of the last."""

    def __init__(self) -> None:
        super().__init__(_script())

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        mine = {"provider": "jetstream", "keywords": KEYWORDS, "window": WINDOW_MS}
        return {**super().config(), **mine, "idle_close": 3_600_000}

    async def fault(self, kind: str) -> None:
        """Do harm; `prune`: as Jetstream after its 36 hours, without a word about it."""
        if kind == "prune":
            self.floor_us = (BEGIN_MS + (WINDOWS - KEPT) * WINDOW_MS) * 1000
            return
        await super().fault(kind)

    def expected(self) -> list[Any]:  # type: ignore[override]
        """Return the counts of every keyword in every window, in their order."""
        found = expected(self.script or (), TrendsConfig(**self.config()))
        return [
            _window(keyword, start, *found.get((keyword, start), (0, 0, 0)))
            for start in range(BEGIN_MS, BEGIN_MS + WINDOWS * WINDOW_MS, WINDOW_MS)
            for keyword in KEYWORDS
        ]


@cache
def _script() -> tuple[str, ...]:
    return tuple(_frames())


def _frames() -> Iterator[str]:
    step = WINDOW_MS * 1000 // POSTS
    for n in range(WINDOWS * POSTS):
        silent = n // POSTS in (4, 9)
        text = "nothing" if silent else TEXTS[n % 5]
        yield post(BEGIN_MS * 1000 + n * step, f"author{n % 7}", text)
    yield post((BEGIN_MS + (WINDOWS + 1) * WINDOW_MS) * 1000, "last", "nothing")


def _window(keyword: str, start: int, *counts: int) -> Any:
    messages, occurrences, authors = counts
    return SimpleNamespace(
        keyword=keyword,
        window_start=datetime.fromtimestamp(start / 1000, UTC),
        messages=messages,
        occurrences=occurrences,
        authors=authors,
    )
