"""The contracts of keyword-trends: windows of a stream with a cursor, and changes of a feed."""

from __future__ import annotations

from typing import Any

from connectors_core.testing import SourceContract
from pyconnect_keyword_trends.source import KeywordTrends
from pyconnect_keyword_trends.testing.posts import Posts
from pyconnect_keyword_trends.testing.terms import Terms


class WindowsContract(SourceContract):
    """Keywords of a stream, counted by windows."""

    source = KeywordTrends
    upstream = Posts
    capabilities = frozenset({"replayable", "ordered"})

    @staticmethod
    def comparable(value: Any) -> Any:
        """The counts; a gap has none, and is not expected."""
        start = getattr(value, "window_start", None)
        counts = [getattr(value, each, None) for each in ("messages", "occurrences", "authors")]
        return [str(start), getattr(value, "keyword", repr(value)), *counts]


class FeedContract(SourceContract):
    """Changes of a feed that is polled, of two regions."""

    source = KeywordTrends
    upstream = Terms
    capabilities = frozenset({"replayable", "ordered", "paced", "splits"})

    @staticmethod
    def comparable(value: Any) -> Any:
        """All but the time of the poll."""
        return [value.geo, value.term, value.change, value.volume_text]
