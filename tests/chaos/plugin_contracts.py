"""The plugins' contracts that promise something of a restart, for kills."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = (
    "file-lines.FinishedContract",
    "file-lines.FollowedContract",
    "keyword-trends.FeedContract",
    "keyword-trends.WindowsContract",
    "stock-websocket.BinanceContract",
    "stock-websocket.UpbitContract",
    "web-crawler.CrawlContract",
    "web-crawler.RecrawlContract",
)


def contract(name: str) -> Any:
    """Return a contract, as `plugin.Class`."""
    plugin, _, cls = name.partition(".")
    return getattr(import_module(f"pyconnect_{plugin.replace('-', '_')}.testing"), cls)
