"""The contracts that the plugins ship, found by the name of a source."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    "file-lines": {"FinishedContract", "FollowedContract"},
    "keyword-trends": {"FeedContract", "WindowsContract"},
    "stock-websocket": {"BinanceContract", "GenericContract", "KisContract", "UpbitContract"},
    "web-crawler": {"CrawlContract", "RecrawlContract"},
}
ALONE = """
import sys

sys.modules["pytest"] = sys.modules["tests"] = None  # an import of them fails

from connectors_core.cli import main

main()
"""


def test_every_plugin_is_looked_at() -> None:
    assert {each.parent.name for each in ROOT.glob("plugins/*/pyproject.toml")} == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_plugin_ships_contracts_that_need_no_test_tools(name: str, tmp_path: Path) -> None:
    words = (sys.executable, "-c", ALONE, "contract", name, "--level", "basic", "--json")
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(result.stdout)["contracts"]
    assert {each["contract"] for each in found} == CONTRACTS[name]
    for each in found:
        outcomes = {verdict["law"]: verdict["outcome"] for verdict in each["verdicts"]}
        assert outcomes["reads_everything"] == "passed", outcomes
