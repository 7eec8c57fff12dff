"""While partitions move from task to task, a connector has not ended, whoever asks at that moment."""

from __future__ import annotations

from typing import Any

import pytest

from connectors_core import Record, Source
from connectors_core.herder.connector import Connector
from tests.unit.runtime.conftest import Lab


class Days(Source[Any]):
    """Other partitions at every question, each of which ends at once."""

    name = "days"
    asked = 0

    async def partitions(self) -> Any:
        type(self).asked += 1
        return [{"day": self.asked}, {"day": -self.asked}]

    async def read(self, partition: Any, offset: Any) -> Any:
        if not offset:
            yield Record(partition["day"], offset={"read": True})


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Ask whether it has ended when the old tasks are gone, and before each new one."""
    seen: list[bool] = []
    let_go, start_task = Connector._let_go, Connector._start_task

    async def letting_go(self: Connector, groups: Any) -> None:
        await let_go(self, groups)
        seen.append(self.ended())

    def starting(self: Connector, number: int, group: Any) -> None:
        seen.append(self.ended())
        start_task(self, number, group)

    monkeypatch.setattr(Connector, "_let_go", letting_go)
    monkeypatch.setattr(Connector, "_start_task", starting)
    return seen


async def test_a_worker_does_not_end_between_two_assignments(lab: Lab, watched: list[bool]) -> None:
    spec = lab.spec(Days, tasks_max=2, partitions_refresh_ms=1000)
    herder = await lab.start(spec)
    try:
        await lab.until(lambda: len(lab.values()) >= 6)
    finally:
        await herder.stop()
    assert len(watched) >= 9
    assert not any(watched)
