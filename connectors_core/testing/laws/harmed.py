"""Readings while the far side does harm, and what may come of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from connectors_core.api.errors import PyconnectError
from connectors_core.api.record import Partition
from connectors_core.runtime.retry import describe
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import Life
from connectors_core.testing.law import Broken, require
from connectors_core.testing.trial import Trial

LOOK_SECONDS, HARM_SECONDS = 0.01, 2.0
PATIENCE_SECONDS = 5.0
"""How long a source may wait in silence for a far side that says nothing."""


async def read_under(
    trial: Trial,
    far: FarSide,
    ledger: Ledger,
    partitions: list[Partition],
    kind: str,
    enough: Callable[[], bool] = lambda: False,
) -> Exception | None:
    """Read while a fault lasts, until the first Retry or until `enough`; return what was raised.

    None if it was a Retry, or if all was read all the same. Raises Broken for silence.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), trial.life(far, ledger) as life:
            ended = await life.read(partitions, lambda: bool(life.retries) or enough(), stall=60.0)
    except TimeoutError as error:
        raise Broken(
            f"under the fault {kind} it waited {PATIENCE_SECONDS:.0f} s in silence. Set a timeout,"
            " a small one in the upstream's config()."
        ) from error
    except Exception as error:  # noqa: BLE001 - judged by what it is
        return error
    if ended:
        said = trial.differs(await trial.wanted(), ledger)
        require(not said, f"under the fault {kind} the read returned as if all was there: {said}.")
    return None


async def read_through(
    trial: Trial, far: FarSide, life: Life, partitions: list[Partition], kind: str, retries: int = 1
) -> None:
    """Read everything, with a fault in the middle that lasts until so many Retries.

    Without one if the upstream can't do it. Raises what the source raises.
    """
    count = await trial.count(far)
    enough = life.ledger.has(count) if count is not None else lambda: False
    half = (await trial.whole()).count // 2
    reading = asyncio.create_task(life.read(partitions, enough, quiet=LOOK_SECONDS))
    if await harm_at(half, life, reading, far, kind):
        await until(lambda: len(life.retries) >= retries, reading, HARM_SECONDS)
        await far.fault("none")
    await reading


async def harm_at(
    half: int, life: Life, reading: asyncio.Task[bool], far: FarSide, kind: str
) -> bool:
    """Begin a fault when a reading has given so many records; it is not pulled further until then.

    To be called before the reading has begun. False if the upstream can't.
    """
    harmed = False
    life.pause = lambda: LOOK_SECONDS if life.ledger.count >= half and not harmed else 0.0
    await until(lambda: life.ledger.count >= half, reading)
    able = await far.fault(kind)
    harmed = True
    return able


async def until(
    done: Callable[[], bool], reading: asyncio.Task[bool], seconds: float = 3600.0
) -> None:
    """Wait until something is so, a reading is over, or so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while not (done() or reading.done()) and time.monotonic() < deadline:  # noqa: ASYNC110 - a look at all three
        await asyncio.sleep(LOOK_SECONDS)


def require_clear(error: Exception | None, when: str) -> None:
    """Raise Broken unless an error is of the tree and says something."""
    if error is None:
        return
    require(
        isinstance(error, PyconnectError),
        f"{when} it raised {describe(error)}. Raise Retry, or an error of connectors_core that says"
        " what to do.",
    )
    require(len(str(error)) > 3, f"{when} it raised {type(error).__name__} without a text.")
