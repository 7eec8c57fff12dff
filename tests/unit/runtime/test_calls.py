"""Plain methods of a plugin: they may block, and raise what they like."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors_core import Config, Record, Source
from connectors_core.runtime.calls import call
from tests.unit.runtime.test_ends import KINDS, Counting

OURS = (SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
"""What only the process or a loop may raise."""


class Plain(Source[Config]):
    """1..5, with nothing async in it."""

    name = "plain"

    def open(self) -> None:  # type: ignore[override]
        return None

    def close(self) -> None:  # type: ignore[override]
        return None

    def partitions(self) -> Any:
        return [{}]

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        for n in range(offset["n"] + 1 if offset else 1, 6):
            yield Record(n, offset={"n": n})

    def committed(self, partition: Any, offset: Any) -> None:  # type: ignore[override]
        return None


def raising(where: str, make: Callable[[], BaseException]) -> type[Plain]:
    def fail(*_: Any) -> Any:
        raise make()

    return type("Raising", (Plain,), {where: fail})


@pytest.mark.parametrize("make", [*KINDS, StopIteration])
@pytest.mark.parametrize("where", ["__init__", "open", "partitions", "committed", "close"])
async def test_any_exception_of_a_plain_method_fails_one_connector(
    lab: Any, make: Callable[[], BaseException], where: str
) -> None:
    status = await lab.run(
        lab.spec(raising(where, make), "bad", restart_max=0),
        lab.spec(Counting, "good", topic="good"),
    )
    assert lab.values("good") == [1, 2, 3, 4, 5]
    assert status.state == ("COMPLETED" if where == "close" else "FAILED")
    if where != "close" and isinstance(make(), OURS):
        assert status.failure.code == "source.raised"


@pytest.mark.parametrize("where", ["open", "partitions", "committed"])
async def test_a_plain_method_may_block_and_the_neighbours_go_on(lab: Any, where: str) -> None:
    blocked, release, threads = threading.Event(), threading.Event(), set[str]()

    def wait(*_: Any) -> list[dict[str, Any]]:
        threads.add(threading.current_thread().name)
        blocked.set()
        assert release.wait(60)
        return [{}]

    class Late(Counting):
        async def open(self) -> None:
            while not blocked.is_set():
                await asyncio.sleep(0.01)

    await lab.start(lab.spec(type("Blocks", (Plain,), {where: wait}), "b"), lab.spec(Late, "late"))
    await lab.until(lambda: lab.values("late") == [1, 2, 3, 4, 5])
    assert lab.herder.statuses()[0].state == "RUNNING"
    release.set()
    await lab.until(lab.herder.ended)
    await lab.herder.stop()
    assert lab.values("b") == [1, 2, 3, 4, 5]
    assert threads == {f"plugin-{wait.__qualname__}"}


async def test_what_a_plain_method_returns_is_waited_for(lab: Any) -> None:
    connected: list[bool] = []

    class Connects(Plain):
        def open(self) -> Any:  # type: ignore[override]
            return self.connect()

        async def connect(self) -> None:
            await asyncio.sleep(0)
            connected.append(True)

    status = await lab.run(lab.spec(Connects))
    assert (status.state, connected) == ("COMPLETED", [True])


@pytest.mark.parametrize("closed", [False, True])
def test_a_call_that_ends_when_nobody_waits_for_it_any_more_is_no_error(closed: bool) -> None:
    """Neither on a loop that goes on, nor in the thread when there is none."""
    began, release, told = threading.Event(), threading.Event(), list[Any]()

    def block() -> None:
        began.set()
        assert release.wait(60)

    async def give_up() -> None:
        waiting = asyncio.create_task(call(block))
        await asyncio.to_thread(began.wait, 60)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    loop.run_until_complete(give_up())
    loop.run_until_complete(loop.shutdown_default_executor())
    if closed:
        loop.close()
    release.set()
    (thread,) = (each for each in threading.enumerate() if each.name.endswith("block"))
    thread.join(60)
    if not closed:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert told == []
