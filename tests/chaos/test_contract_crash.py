"""Level crash of the contract: the plugins' sources, killed at every boundary on the embedded store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors_core.app import build_catalogue
from connectors_core.testing.found import contracts_of
from connectors_core.testing.judge import Court
from connectors_core.testing.laws import BY_NAME
from tests.chaos.plugin_contracts import NAMES, PLUGINS, contract

LAW = replace(BY_NAME["survives_a_kill_at_every_point"], seconds=600.0)
"""With more time than it has: that a machine does other things too is no fault of a source."""

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(660)]


@pytest.mark.parametrize("name", NAMES)
def test_a_source_survives_a_kill_at_every_point(name: str) -> None:
    verdict = Court(contract(name).declaration(), "crash").one(LAW)
    print(f"{name}: {verdict.outcome} in {verdict.seconds:.0f} s: {verdict.reason}")
    assert verdict.outcome == "passed", verdict.reason
    assert int(verdict.reason.split()[0]) >= 200


def test_every_replayable_contract_is_judged() -> None:
    catalogue = build_catalogue(())
    found = {
        f"{folder.parent.name}.{cls.__name__}"
        for folder in PLUGINS.glob("*/pyproject.toml")
        for cls in contracts_of(catalogue.source(folder.parent.name))
        if "replayable" in cls.capabilities
    }
    assert found == set(NAMES)
