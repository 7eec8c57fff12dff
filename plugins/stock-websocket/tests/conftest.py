"""The fake upstream, and the folder of the example messages."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyconnect_stock_websocket.testing import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A market that trades only when told to."""
    async with Upstream(rate=0) as running:
        yield running


@pytest.fixture
def cases() -> Path:
    """The folder of the example messages."""
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is not set")
    return Path(folder) / "ws"
