"""Level crash of the contract: the plugins' sources, killed at every boundary on the embedded store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from connectors_core.app import build_catalogue
from connectors_core.testing.found import contracts_of
from connectors_core.testing.judge import Court, Verdict
from connectors_core.testing.laws import BY_NAME

LAW = BY_NAME["survives_a_kill_at_every_point"]
SHARDS = 3
"""A kill is mostly waiting, so some are made at once."""
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
"""Those that are replayable; the contract of the others asks nothing of a restart."""

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def contract(name: str) -> Any:
    plugin, _, cls = name.partition(".")
    return getattr(import_module(f"pyconnect_{plugin.replace('-', '_')}.testing"), cls)


def judged(name: str, shard: int) -> Verdict:
    return Court(contract(name).declaration(), "crash", (shard, SHARDS)).one(LAW)


@pytest.mark.parametrize("name", NAMES)
def test_a_source_survives_a_kill_at_every_point(name: str) -> None:
    with ThreadPoolExecutor(SHARDS) as threads:
        verdicts = list(threads.map(lambda shard: judged(name, shard), range(1, SHARDS + 1)))
    print(*(f"{name}: {verdict.outcome}: {verdict.reason}" for verdict in verdicts), sep="\n")
    assert {verdict.outcome for verdict in verdicts} == {"passed"}, verdicts
    assert sum(int(verdict.reason.split()[0]) for verdict in verdicts) >= 200


def test_every_replayable_contract_is_judged() -> None:
    catalogue = build_catalogue(())
    found = {
        f"{folder.parent.name}.{cls.__name__}"
        for folder in PLUGINS.glob("*/pyproject.toml")
        for cls in contracts_of(catalogue.source(folder.parent.name))
        if "replayable" in cls.capabilities
    }
    assert found == set(NAMES)
