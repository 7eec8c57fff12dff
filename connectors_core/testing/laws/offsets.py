"""Laws of offsets: flat JSON, each its own, and from every one exactly the rest."""

from __future__ import annotations

from itertools import chain

from connectors_core.testing.driver.compare import texts_of
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.golden import Golden, Position, goldens
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.trial import Trial

CUTS, CUT_SECONDS = 60, 30.0
"""How many offsets are tried at most, and for how long: all of a short reading, every n-th of a
long one."""


@law(rests_on=("items_are_well_formed",))
async def offsets_are_flat_json(trial: Trial) -> None:
    """An offset is a flat map of JSON scalars of at most 1 KiB.

    It is stored as canonical JSON, and read back by another process, perhaps another release.

    Keep numbers, text and booleans in it; what is nested or large belongs into keyed state.
    """
    faults = [each for each in (await trial.whole()).faults if each.code == "source.offset"]
    require(not faults, "; ".join(dict.fromkeys(map(str, faults[:3]))))


@law(rests_on=("offsets_are_flat_json",))
async def offsets_move(trial: Trial) -> None:
    """No two offsets in a row are equal in a partition.

    A resume from an offset that two units share gives one of them again, or never.

    Give each unit an offset of its own: a sequence number, an id, a position.
    """
    last: dict[str, object] = {}
    for unit in (await trial.whole()).units:
        if unit.offset is None:
            continue
        key = unit.partition.key
        require(
            last.get(key) != unit.offset,
            f"partition {key}: two offsets in a row are {dict(unit.offset)!r}.",
        )
        last[key] = unit.offset


@law(
    "full",
    seconds=60,
    rests_on=("reads_everything", "offsets_move", "stops_at_every_await"),
    needs={"replayable"},
)
async def resumes_from_every_offset(trial: Trial) -> str:
    """Stopped after any unit and started again, a source gives exactly the rest, in order.

    This is what a restart, a pause and a killed worker come to. Who skips one loses it for ever.

    An offset says where to go on *after* its record; `read` begins behind it. Topic, key and value
    are compared; where they tell of the reading, `comparable` and `comparable_key` take that out.
    """
    wanted = await trial.wanted()
    units = len((await trial.whole()).units)
    cuts = _cuts(units, trial.seconds)
    cure = "An offset says where to go on after its record, and `read` begins behind it."
    for cut in cuts:
        ledger = Ledger()
        async with trial.upstream() as far:
            await trial.read(far, ledger, ledger.has_units(cut))
            stopped = f"resumed {_where(ledger)}"
            try:
                await trial.read(far, ledger)
            except Broken:  # nothing more comes: what is missing says more than that
                trial.require_whole(wanted, ledger, stopped, cure)
                raise
        trial.require_whole(wanted, ledger, stopped, cure)
    return f"{len(cuts)} of {units} offsets"


@law("full", seconds=30, rests_on=("resumes_from_every_offset",), needs={"replayable"})
async def accepts_older_offsets(trial: Trial) -> None:
    """From what earlier releases have stored, a source gives exactly the rest.

    An update is a restart with the old offsets, at every user's.

    Read every form that an offset ever had. `pyconnect contract NAME --write-offsets FILE` writes
    the golden file of a release, for the folder `offsets` of the contract.
    """
    folder = trial.declaration.offsets
    if folder is None:
        raise NotApplicable("the contract has no folder of golden `offsets`")
    found = list(goldens(folder))
    require(found, f"there are no golden offsets in {folder}.")
    for golden in found:
        async with trial.upstream() as far:
            ledger = golden.ledger(await trial.partitions(far))
            await _read_on(trial, far, ledger, len(golden.left))
        said = trial.differs(list(golden.left), ledger)
        require(
            not said,
            f"from the offsets of release {golden.release}: {said}. Read every form that an offset"
            " ever had.",
        )


async def golden_of(trial: Trial, release: str) -> Golden:
    """Return golden offsets from the middle of a reading, and what the source gives from there."""
    whole, ledger = await trial.whole(), Ledger()
    async with trial.upstream() as far:
        partitions = await trial.partitions(far)
        await trial.read(far, ledger, ledger.has_units(max(1, len(whole.units) // 2)))
        positions = [Position(ledger.offset(each), ledger.rows(each)) for each in partitions]
        rest = Golden(release, positions, ()).ledger(partitions)
        await _read_on(trial, far, rest, whole.count - ledger.count)
    left = texts_of(rest.by_partition(), trial.declaration.text)
    return Golden(release, positions, list(chain.from_iterable(left.values())))


async def _read_on(trial: Trial, far: FarSide, ledger: Ledger, count: int) -> None:
    """Read what is left: to the end, or so many records of a source that has none."""
    enough = None if "bounded" in trial.capabilities else ledger.has(count)
    await trial.read(far, ledger, enough)


def _cuts(units: int, seconds: float) -> list[int]:
    """Return after how many units to stop, of readings that take so long: each, or some evenly."""
    if not units:
        raise NotApplicable("a complete reading gave nothing")
    fits = int(CUT_SECONDS / max(seconds, 0.001))
    tried = min(CUTS, max(2, fits))
    if units <= tried:
        return list(range(1, units + 1))
    return sorted({1 + round(n * (units - 1) / (tried - 1)) for n in range(tried)})


def _where(ledger: Ledger) -> str:
    if not ledger.units:
        return "from the start"
    unit = ledger.units[-1]
    offset = None if unit.offset is None else dict(unit.offset)
    return f"after unit {len(ledger.units)}, offset {offset!r} of partition {unit.partition.key}"


LAWS = (offsets_are_flat_json, offsets_move)
RESUME = (resumes_from_every_offset, accepts_older_offsets)
