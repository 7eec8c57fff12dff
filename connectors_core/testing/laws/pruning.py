"""The law of what the far side has no more: it is told, as an error or as a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from connectors_core.api.errors import OffsetError
from connectors_core.api.record import Partition, Record
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger, Unit
from connectors_core.testing.driver.life import Life
from connectors_core.testing.law import Broken, law, require
from connectors_core.testing.trial import Trial, require_fault
from connectors_core.testing.upstream.faults import PRUNE

GAPS, GAP = "gaps", "gap"
"""The logical topic whose records, and the fact of `context.report` whose text, tell a gap."""


@law("full", seconds=30, rests_on=("resumes_from_every_offset",), needs={"replayable"})
async def a_pruned_offset_is_told(trial: Trial) -> str:
    """When the upstream has no more what an offset points to, a source raises OffsetError, or tells
    the gap and goes on.

    Going on from the oldest there is would lose what lay between, and nobody would know.

    Compare the offset with what the upstream says is its oldest. After an OffsetError
    `offset.reset` decides; a gap is told by a record on the logical topic `gaps`, or by
    `context.report(partition, gap="from … to …")`, in each partition that has lost something.
    """
    ledger, half = Ledger(), max(1, len((await trial.whole()).units) // 2)
    async with trial.upstream() as far:
        await trial.read(far, ledger, ledger.has_units(half))
        require_fault(await far.fault(PRUNE), PRUNE)
        aftermath = _Aftermath(trial, ledger, await trial.parts())
        try:
            await aftermath.read(far)
        except OffsetError:
            return "it raises OffsetError"
    return aftermath.judged()


class _Aftermath:
    """The reading after the pruning: what was lost in it, and what was told."""

    def __init__(self, trial: Trial, ledger: Ledger, parts: Iterable[Iterable[Record]]) -> None:
        self._trial = trial
        self._ledger = ledger
        self._before = len(ledger.units)
        self._parts = [self._texts(records) for records in parts]
        self._wanted: dict[Partition, Counter[str]] = {}
        self._life: Life

    async def read(self, far: FarSide) -> None:
        """Read on until every partition with something left has told, or nothing more comes."""
        partitions = await self._trial.partitions(far)
        self._wanted = dict(zip(partitions, self._parts, strict=True))
        left = self._lost()
        async with self._trial.life(far, self._ledger) as self._life:
            with suppress(Broken):  # that nothing more comes
                await self._life.read(partitions, lambda: all(map(self._told, left)))

    def judged(self) -> str:
        """Return how it was told. Raises Broken if it was not."""
        lost = self._lost()
        silent = {place.key: count for place, count in lost.items() if not self._told(place)}
        require(
            not silent,
            f"its offset is pruned upstream, and it went on with {len(self._after())} more units:"
            f" {sum(silent.values())} records are lost, and nothing says so in partition"
            f" {', '.join(silent)}. Raise OffsetError, or tell the gap: a record on the logical"
            f" topic `{GAPS}`, or context.report(partition, {GAP}=…).",
        )
        require(
            lost,
            'after fault("prune") everything was read all the same. The upstream must take away some'
            " of what follows the offsets too.",
        )
        return f"it tells the gap in a {'record' if all(map(self._recorded, lost)) else 'report'}"

    def _lost(self) -> dict[Partition, int]:
        """Return how many records are missing in each partition that misses some."""
        found = self._ledger.by_partition()
        missing = {
            place: (wanted - self._texts(found.get(place, ()))).total()
            for place, wanted in self._wanted.items()
        }
        return {place: count for place, count in missing.items() if count}

    def _told(self, place: Partition) -> bool:
        return self._recorded(place) or any(
            where == place and facts.get(GAP) for where, facts in self._life.context.reported
        )

    def _recorded(self, place: Partition) -> bool:
        return any(
            isinstance(item, Record) and item.topic == GAPS and item.value is not None
            for unit in self._after()
            for item in unit.items
            if unit.partition == place
        )

    def _after(self) -> list[Unit]:
        return self._ledger.units[self._before :]

    def _texts(self, records: Iterable[Record]) -> Counter[str]:
        text = self._trial.declaration.text
        return Counter(text(each) for each in records if each.topic != GAPS)


LAWS = (a_pruned_offset_is_told,)
