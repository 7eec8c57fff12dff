"""Law of hostile data: whatever an answer says, nobody falls over it, and nobody passes over it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import nullcontext

from connectors_core.api.record import Partition, Record
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.runtime.retry import describe
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import STOPPED, Life
from connectors_core.testing.driver.stored import store_all
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.laws.harmed import PATIENCE_SECONDS, harm_at, require_clear, until
from connectors_core.testing.trial import Trial
from connectors_core.testing.upstream.faults import HOSTILE
from connectors_core.testing.watch.weight import Weight

WHOLE = ("empty", "huge", "deep")
"""Kinds that leave nothing to read of an answer; the others have one bad place in a good one."""
MOST_BYTES = 32 << 20
ANSWERS, GLANCE_SECONDS = 24, 1.0
"""So many Retries, or so long, of answers that are bad in one place each."""


@law("full", seconds=120, rests_on=("faults_end_in_retry_or_a_clear_error", "records_survive_avro"))
async def hostile_data_ends_in_a_record_a_reject_or_a_clear_error(trial: Trial) -> None:
    """Given data that is empty, huge or deeply nested, or has NUL, half a surrogate pair or NaN in
    it, a source gives records that can be stored, Rejects, Retry or an error of the tree. It passes
    over nothing in silence, and holds at most 32 MiB of an answer of 50 MB.

    Anybody may send it, by mistake or on purpose, and one answer must not end a connector for good.

    Stop reading at a limit. Parse JSON with `msgspec.json.decode`, which refuses NaN and halves of
    characters, catch RecursionError beside its ValueError, and check types before you use them.
    """
    tried = [kind for kind in HOSTILE if await _bears(trial, kind)]
    if not tried:
        raise NotApplicable(f"the upstream has none of {', '.join(HOSTILE)} as fault(kind)")


async def _bears(trial: Trial, kind: str) -> bool:
    """Judge one kind of data; False if the upstream can't give it."""
    async with trial.upstream() as far:
        if not await far.fault(kind):
            return False
    half = (await trial.whole()).count // 2
    for after in (0, half) if kind in WHOLE else (0,):
        await _taken(trial, kind, after)
    return True


async def _taken(trial: Trial, kind: str, after: int) -> None:
    """Judge what a source makes of data that is hostile after so many records."""
    when = f"given {kind} data {'amid a reading' if after else 'from the start'}"
    ledger = Ledger()
    async with trial.upstream() as far:
        partitions = await trial.partitions(far)
        glance = _Glance(trial, far, ledger, kind, after)
        # Weighing makes Python several times slower.
        with Weight() if kind == "huge" else nullcontext() as weight:
            error = await glance.error(partitions)
        require_clear(error, when)
        said = "" if error or glance.life.retries or glance.gave() else glance.silence()
        require(not said, f"{when} {said}.")
        held = weight.most if weight else 0
        require(held < MOST_BYTES, f"{when} it held {held >> 20} MiB. Stop reading at a limit.")
        await _require_storable(trial, ledger, when)
        if glance.gave() or kind not in WHOLE or "live_only" in trial.capabilities:
            return
        await far.fault("none")
        await trial.read(far, ledger)
    cure = "What was not read must be read when the data is good again."
    trial.require_whole(await trial.wanted(), ledger, f"after it was {when}", cure)


class _Glance:
    """A look at a reading of hostile data, until it is plain what the source makes of it."""

    def __init__(self, trial: Trial, far: FarSide, ledger: Ledger, kind: str, after: int) -> None:
        self.life: Life = trial.life(far, ledger)
        self._trial, self._far, self._ledger = trial, far, ledger
        self._kind, self._after = kind, after
        self._seen, self._strange = 0, False
        self._ended = False
        self._complete_since = 0.0

    async def error(self, partitions: list[Partition]) -> Exception | None:
        """Read; return what was raised, None if that was nothing, or Retry of a read."""
        trial, far, life = self._trial, self._far, self.life
        self._wanted = await trial.wanted()
        self._known, self._left = {*self._wanted}, Counter(self._wanted)
        self._rejects = Counter((await trial.whole()).rejects())
        try:
            if not self._after:
                await far.fault(self._kind)
                await trial.partitions(far)  # it may be asked for them
            async with life:
                reading = asyncio.create_task(life.read(partitions, stall=60.0))
                if self._after:
                    await harm_at(self._after, life, reading, far, self._kind)
                seconds = PATIENCE_SECONDS if self._kind in WHOLE else GLANCE_SECONDS
                await until(self._over, reading, seconds)
                self._ended = reading.done()
                reading.cancel()
                [result] = await asyncio.gather(reading, return_exceptions=True)
                await far.fault("none")
            return result if isinstance(result, Exception) else None
        except Exception as error:  # noqa: BLE001 - judged by what it is
            return error

    def gave(self) -> bool:
        """Say whether there is a record or a Reject that is none of the good data."""
        records = self._ledger.records()
        for record in records[self._seen :]:
            text = self._text(record)
            self._strange = self._strange or text not in self._known
            self._left[text] -= 1
        self._seen = len(records)
        return self._strange or bool(Counter(self._ledger.rejects()) - self._rejects)

    def _text(self, record: Record) -> str:
        try:
            return self._trial.declaration.text(record)
        except Exception:  # noqa: BLE001 - what compares was made for good data
            return f"a {type(record.value).__name__} that can't be compared"

    def silence(self) -> str:
        """Say how the source has passed over the data, "" if it lost nothing by that."""
        said = self._trial.differs(self._wanted, self._ledger)
        if said and self._ended:
            return f"it ended as if all was there: {said}. Raise Retry, or give a Reject"
        if said and self._kind in WHOLE:
            return f"it waited {PATIENCE_SECONDS:.0f} s in silence. Raise Retry, or give a Reject"
        return ""

    def _over(self) -> bool:
        told = bool(self.life.retries) or self.gave()
        if self._kind in WHOLE:
            return told or self._idle()
        return len(self.life.retries) >= ANSWERS

    def _idle(self) -> bool:
        """Say whether all the data was given some time ago: it came before the bad one."""
        if any(left > 0 for left in self._left.values()):
            return False
        self._complete_since = self._complete_since or time.monotonic()
        return time.monotonic() - self._complete_since > GLANCE_SECONDS


async def _require_storable(trial: Trial, ledger: Ledger, when: str) -> None:
    faults = [str(each) for each in ledger.faults if each.code != STOPPED]
    require(not faults, f"{when} {'; '.join(dict.fromkeys(faults[:3]))}")
    records = [*(await trial.whole()).records(), *ledger.records()]
    try:
        for _ in store_all(trial.source, records, EmbeddedRegistry([])):
            pass
    except Exception as error:
        raise Broken(
            f"{when} it gave a record that can't be stored: {describe(error).rstrip('.')}. Give a"
            " Reject."
        ) from error


LAWS = (hostile_data_ends_in_a_record_a_reject_or_a_clear_error,)
