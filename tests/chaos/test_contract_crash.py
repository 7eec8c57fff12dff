"""Level crash of the contract: the plugins' sources, killed at every boundary on the embedded store."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors_core.testing.judge import Court, Verdict
from connectors_core.testing.laws import BY_NAME

LAW = BY_NAME["survives_a_kill_at_every_point"]
SHARDS = 3
"""A kill is mostly waiting, so some are made at once."""
PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = (
    "file-lines.TestFinished",
    "file-lines.TestFollowed",
    "keyword-trends.TestTrendingFeed",
    "keyword-trends.TestWindows",
    "stock-websocket.TestBinance",
    "stock-websocket.TestUpbit",
    "web-crawler.TestCrawl",
    "web-crawler.TestRecrawl",
)
"""Those that are replayable; the contract of the others asks nothing of a restart."""

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def module(plugin: str) -> ModuleType:
    """Load a plugin's contract from its file, which is how a child process finds it too.

    pytest's importlib mode gives these files names that no import statement reaches.
    """
    name = f"contract_of_{plugin.replace('-', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, PLUGINS / plugin / "tests/test_contract.py"
        )
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def contract(name: str) -> Any:
    plugin, _, cls = name.partition(".")
    return getattr(module(plugin), cls)


def judged(name: str, shard: int) -> Verdict:
    return Court(contract(name).declaration(), "crash", (shard, SHARDS)).one(LAW)


@pytest.mark.parametrize("name", NAMES)
def test_a_source_survives_a_kill_at_every_point(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A market that opens before the first offset is durable is promised to nobody.
    monkeypatch.setattr(module(name.partition(".")[0]), "WAKE_SECONDS", 0.5, raising=False)
    with ThreadPoolExecutor(SHARDS) as threads:
        verdicts = list(threads.map(lambda shard: judged(name, shard), range(1, SHARDS + 1)))
    print(*(f"{name}: {verdict.outcome}: {verdict.reason}" for verdict in verdicts), sep="\n")
    assert {verdict.outcome for verdict in verdicts} == {"passed"}, verdicts
    assert sum(int(verdict.reason.split()[0]) for verdict in verdicts) >= 200


def test_every_replayable_contract_is_judged() -> None:
    found = {
        f"{file.parents[1].name}.{name}"
        for file in PLUGINS.glob("*/tests/test_contract.py")
        for name, cls in vars(module(file.parents[1].name)).items()
        if name.startswith("Test") and "replayable" in cls.capabilities
    }
    assert found == set(NAMES)
