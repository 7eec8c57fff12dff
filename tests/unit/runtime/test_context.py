"""What a source is offered: its name, sessions, paces, facts that are shown."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors_core import Config, Record, Retry, Source
from connectors_core.api.errors import ContractError
from connectors_core.testing import MemoryContext


async def test_a_source_knows_the_name_of_its_connector(lab: Any) -> None:
    class Named(Source[Config]):
        name = "named"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(self.context.connector, offset={"n": 1})

    await lab.run(lab.spec(Named, "quotes-1"))
    assert lab.values("quotes-1") == ["quotes-1"]


async def test_a_session_is_held_by_one_reader_of_all_connectors_at_a_time(lab: Any) -> None:
    inside, most = [0], [0]

    class Exclusive(Source[Config]):
        name = "exclusive"

        async def partitions(self) -> Any:
            return [{"p": 0}, {"p": 1}]

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            async with self.context.session("key"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                for n in range(1, 4):
                    yield Record(n, offset={"n": n})
                    await asyncio.sleep(0)
                inside[0] -= 1

    status = await lab.run(lab.spec(Exclusive), lab.spec(Exclusive, "d"))
    assert (status.state, most) == ("COMPLETED", [1])
    assert sorted(lab.values()) == sorted(lab.values("d")) == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("seconds", "stored"), [(7200, [1]), (0.01, [1, 2]), (-5, [1, 2])])
async def test_a_hold_stops_the_sources_of_all_connectors_that_pace_on_the_same(
    lab: Any, seconds: float, stored: list[int]
) -> None:
    class Limited(Source[Config]):
        """Is told to come back later."""

        name = "limited"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            self.context.hold("host", seconds)
            yield Record(1, offset={"n": 1})

    class Asks(Source[Config]):
        name = "asks"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            while not lab.values():
                await asyncio.sleep(0.005)
            for n, name in enumerate(("other", "host"), 1):
                await self.context.pace(name, 1000.0)
                yield Record(n, offset={"n": n})

    await lab.start(lab.spec(Limited), lab.spec(Asks, "d"))
    await lab.until(lambda: lab.values("d") == stored)
    await asyncio.sleep(0.05)
    await lab.herder.stop()
    assert lab.values("d") == stored


@pytest.mark.parametrize("per_second", [0, -1.0, math.nan])
async def test_no_pace_at_all_fails_the_task(lab: Any, per_second: float) -> None:
    class Paced(Source[Config]):
        name = "paced"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            await self.context.pace("host", per_second)
            yield Record(1, offset={"n": 1})

    status = await lab.run(lab.spec(Paced))
    assert status.failure.code == "source.pace"
    assert "above 0" in status.failure.text


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
@pytest.mark.parametrize("way", ["hold", "retry"])
async def test_a_wait_that_is_no_time_fails_its_own_task(
    lab: Any, way: str, seconds: float
) -> None:
    """A timer that is set to it would put the timers of all others out of order."""

    class Waits(Source[Config]):
        name = "waits"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            yield Record(1, offset={"n": 1})
            if way == "retry":
                raise Retry("later", after=seconds)
            self.context.hold("host", seconds)

    status = await lab.run(lab.spec(Waits))
    assert (status.state, lab.values()) == ("FAILED", [1])
    assert "finite number of seconds" in status.failure.text


async def test_facts_are_shown_by_partition_and_are_at_most_64(lab: Any) -> None:
    class Reports(Source[Config]):
        name = "reports"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            self.context.report(partition, lag=5, gaps=1)
            self.context.report(partition, lag=3)
            self.context.report(dict(partition), **{f"more{n}": n for n in range(100)})
            yield Record(1, offset={"n": 1})

    status = await lab.run(lab.spec(Reports))
    facts = status.facts["{}"]
    assert (facts["lag"], facts["gaps"], facts["more0"], len(facts)) == (3, 1, 0, 64)


@pytest.mark.parametrize("fact", [[1], {"a": 1}, b"x", object()])
async def test_what_status_can_not_show_fails_its_own_task(lab: Any, fact: Any) -> None:
    class Reports(Source[Config]):
        name = "reports"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
            self.context.report(partition, newest=fact)
            yield Record(1, offset={"n": 1})

    status = await lab.run(lab.spec(Reports))
    assert (status.failure.code, status.facts) == ("source.report", {})
    assert "newest must be text" in status.failure.text
    with pytest.raises(ContractError, match="newest"):
        MemoryContext().report({}, newest=fact)


async def test_partitions_has_no_keyed_state_to_look_at(lab: Any) -> None:
    class Looks(Source[Config]):
        name = "looks"

        async def partitions(self) -> Any:
            return [{"p": key} for key, _ in self.context.state({}).scan()]

    status = await lab.run(lab.spec(Looks))
    assert (status.state, status.failure.code) == ("FAILED", "source.state")
