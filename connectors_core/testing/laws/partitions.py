"""Laws of partitions: flat maps, distinct, the same every time, whole however they are split."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Partition
from connectors_core.herder.ask import checked_partitions
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import ask_partitions
from connectors_core.testing.law import Broken, law, require
from connectors_core.testing.trial import QUIET_SECONDS, Trial


@law()
async def partitions_are_flat_and_distinct(trial: Trial) -> None:
    """Partitions are flat maps of JSON scalars, and no two are equal.

    Offsets are stored under them, so equal ones would move each other's.

    Return a list of small dicts from `partitions()`, one for each part.
    """
    async with trial.upstream() as far:
        _checked(await ask_partitions(trial.source, trial.config(far)))


@law(rests_on=("partitions_are_flat_and_distinct",))
async def partitions_are_stable(trial: Trial) -> None:
    """Asked twice, a source gives the same partitions, in the same order.

    A partition with another name has no offset: it is read from the start, and everything comes
    twice. Golden offsets, and tasks after a restart, go by the order.

    Make partitions of what is configured or found, not of times, counters or random numbers; sort
    what comes in no order, as a set or a listing.
    """
    async with trial.upstream() as far:
        first = _checked(await ask_partitions(trial.source, trial.config(far)))
        again = _checked(await ask_partitions(trial.source, trial.config(far)))
    gone = sorted(each.key for each in {*first} ^ {*again})
    require(not gone, f"asked twice, partitions() differs in {', '.join(gone)}.")
    require(
        first == again,
        "asked twice, partitions() gives the same in another order:"
        f" {', '.join(each.key for each in again)}. Sort them.",
    )


@law(
    "full",
    seconds=60,
    rests_on=("partitions_are_stable", "reads_everything"),
    needs={"splits"},
)
async def partitions_split(trial: Trial) -> None:
    """Read by two, three and four tasks at the same time, each with some of the partitions, the
    same values come.

    `tasks.max` must change how fast it goes, and nothing else.

    Read in `read` what its partition names, and nothing of the others.
    """
    wanted = await trial.wanted()
    async with trial.upstream() as far:
        count = len(await trial.partitions(far))
    require(
        count > 1,
        "it is declared to split, and has one partition here, which shows nothing. Give the upstream"
        " a config() with two or more, or leave `splits` out.",
    )
    for tasks in range(2, min(count, 4) + 1):
        ledgers = [Ledger() for _ in range(tasks)]
        async with trial.upstream() as far:
            partitions = await trial.partitions(far)
            await _together(
                _read_some(trial, far, ledger, partitions, slice(task, None, tasks))
                for task, ledger in enumerate(ledgers)
            )
        ledger = Ledger()
        for each in ledgers:
            ledger.units += each.units
        cure = "Each partition must give its own values, whoever reads the others."
        trial.require_whole(wanted, ledger, f"split over {tasks} tasks", cure)


async def _together(readings: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; raise what the first raises, as it is."""
    tasks = [asyncio.create_task(each) for each in readings]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_some(
    trial: Trial, far: FarSide, ledger: Ledger, partitions: list[Partition], part: slice
) -> None:
    count = sum(map(len, (await trial.parts())[part]))
    async with trial.life(far, ledger) as life:
        if "bounded" in trial.capabilities:
            await life.read(partitions[part])
        else:
            await life.read(partitions[part], ledger.has(count), quiet=QUIET_SECONDS)


def _checked(given: Any) -> list[Partition]:
    try:
        partitions = checked_partitions(given)
    except ContractError as error:
        raise Broken(str(error)) from error
    require(partitions, "partitions() gave none. Give [{}] for a source that has no parts.")
    return partitions


FIRST = (partitions_are_flat_and_distinct, partitions_are_stable)
LATER = (partitions_split,)
