"""Leak guards: a test that leaves a thread, a task or a socket behind fails."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from stat import S_ISSOCK

import pytest
from hypothesis import settings

pytest_plugins = ["tests.kafka.fixtures", "tests.skips"]

settings.register_profile("quick", max_examples=25)

# A shell that starts the tests in the background has interrupts ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

GRACE = 30.0
"""Seconds in which what is ending may end."""


SLOW = (
    "tests/chaos/",
    "tests/docs/",
    "tests/hostile/",
    "tests/integration/",
    "tests/typing/",
    "/tests/test_contract.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests that start workers or check types out of `make check`."""
    for item in items:
        if any(part in item.path.as_posix() for part in SLOW):
            item.add_marker(pytest.mark.slow)


def open_sockets() -> set[int]:
    """Return the inodes of open sockets: a number of a descriptor that is closed is used again.

    /dev/fd is there on Linux and macOS.
    """
    found = set()
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - Names are numbers here, not paths.
        try:
            status = os.fstat(int(name))
            if S_ISSOCK(status.st_mode):
                found.add(status.st_ino)
        except OSError:
            continue  # The descriptor of the listing itself.
    return found


def ended(before: set[threading.Thread], request: pytest.FixtureRequest) -> None:
    """Give threads that are ending the time to end, and fail for the others.

    `@pytest.mark.leaves_threads("why")` is for the test of what can't be ended.
    """
    if request.node.get_closest_marker("leaves_threads"):
        return
    deadline = time.monotonic() + GRACE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(deadline - time.monotonic(), 0))
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, f"threads still run after the test: {left}"


@pytest.fixture(autouse=True)
def nothing_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up before every other fixture of the test, so that it looks after the last is gone."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("nothing_leaks_in_loop")
        yield
        return
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    ended(threads, request)
    deadline = time.monotonic() + GRACE
    gc.disable()  # what only it lets go of is left behind
    try:
        while open_sockets() - sockets:
            # What a client's own threads are closing may take another moment.
            assert time.monotonic() < deadline, "sockets are still open after the test"
            time.sleep(0.001)
    finally:
        gc.enable()


@pytest.fixture
async def nothing_leaks_in_loop(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Look before the loop of an async test is closed, which would cancel what is left."""
    loop, tasks = asyncio.get_running_loop(), asyncio.all_tasks()
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    if left := asyncio.all_tasks() - tasks - {asyncio.current_task()}:
        _, left = await asyncio.wait(left, timeout=GRACE)
        assert not left, f"tasks still run after the test: {left}"
    await loop.shutdown_default_executor()
    ended(threads, request)
    deadline = loop.time() + GRACE
    while open_sockets() - sockets:
        # A transport that is closed lets go of its socket in a later turn of the loop.
        assert loop.time() < deadline, "sockets are still open after the test"
        await asyncio.sleep(0.001)
