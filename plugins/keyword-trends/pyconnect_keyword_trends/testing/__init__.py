"""What keyword-trends is tested with: a fake Jetstream and feed, recordings, and its contracts."""

from __future__ import annotations

from pyconnect_keyword_trends.testing.contract import FeedContract, WindowsContract
from pyconnect_keyword_trends.testing.scripted import expected, feed, generated, post
from pyconnect_keyword_trends.testing.upstream import Answer, Replay, Upstream

__all__ = [
    "Answer",
    "FeedContract",
    "Replay",
    "Upstream",
    "WindowsContract",
    "expected",
    "feed",
    "generated",
    "post",
]
