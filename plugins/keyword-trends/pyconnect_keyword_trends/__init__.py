"""keyword-trends: keyword counts over windows of a live stream, and trending searches."""

from __future__ import annotations

from connectors_core import hookimpl
from pyconnect_keyword_trends.source import KeywordTrends

__all__ = ["KeywordTrends", "pyconnect_sources"]


@hookimpl
def pyconnect_sources() -> list[type[KeywordTrends]]:
    """Return the one source of this distribution."""
    return [KeywordTrends]
