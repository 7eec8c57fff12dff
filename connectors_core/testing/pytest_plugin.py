"""The pytest plugin: `--contract-level`, the laws in their order, the contract's version."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--contract-level`."""
    from connectors_core.testing.law import LEVELS

    parser.getgroup("pyconnect").addoption(
        "--contract-level",
        choices=LEVELS,
        default="full",
        help="which laws of a source's contract are judged (default: full)",
    )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Any:
    """Put the laws of each contract into their order again, in the places that they have."""
    result = yield
    contracts: dict[type, list[int]] = {}
    for index, item in enumerate(items):
        cls = getattr(item, "cls", None)
        if cls is not None and hasattr(cls, "court") and hasattr(cls, "declaration"):
            contracts.setdefault(cls, []).append(index)
    for cls, places in contracts.items():
        from connectors_core.testing.laws import LAWS

        cls.level = config.getoption("--contract-level")  # type: ignore[attr-defined]
        order = {f"test_{law.name}": number for number, law in enumerate(LAWS)}
        some = sorted((items[place] for place in places), key=lambda each: order.get(each.name, -1))
        for place, item in zip(places, some, strict=True):
            items[place] = item
    return result


def pytest_report_header(config: pytest.Config) -> str:
    """Say which contract is judged, so that a log says which one passed."""
    from connectors_core.testing.law import VERSION

    return f"pyconnect: contract {VERSION}, level {config.getoption('--contract-level')}"
