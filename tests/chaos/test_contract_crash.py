"""Level crash of the contract: the plugins' sources, killed at every boundary on the embedded store."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors_core.testing.judge import Court
from connectors_core.testing.laws import BY_NAME

LAW = BY_NAME["survives_a_kill_at_every_point"]
PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = (
    "file-lines.TestFinishedFile",
    "file-lines.TestGrowingFile",
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


@pytest.mark.parametrize("name", NAMES)
def test_a_source_survives_a_kill_at_every_point(name: str) -> None:
    verdict = Court(contract(name).declaration(), "crash").one(LAW)
    print(f"{name}: {verdict.reason}")
    assert verdict.outcome == "passed", verdict.reason
    assert int(verdict.reason.split()[0]) >= 200


def test_every_replayable_contract_is_judged() -> None:
    found = {
        f"{file.parents[1].name}.{name}"
        for file in PLUGINS.glob("*/tests/test_contract.py")
        for name, cls in vars(module(file.parents[1].name)).items()
        if name.startswith("Test") and "replayable" in cls.capabilities
    }
    assert found == set(NAMES)
