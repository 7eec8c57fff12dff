"""The intake of a task: every item that is yielded goes through here, at once and whole.

Values are encoded before the generator goes on, so that a source may change or reuse what it
yielded, and so that memory is counted in real bytes (invariant 8).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from connectors_core.api.errors import ContractError, DataError, PyconnectError
from connectors_core.api.record import Batch, Item, Record, Reject
from connectors_core.api.store import Row
from connectors_core.runtime import crash
from connectors_core.runtime.chain import Step, run_chain
from connectors_core.runtime.deadletter import DeadLetters
from connectors_core.runtime.encode import Encoder, NeedSamples
from connectors_core.runtime.retry import describe
from connectors_core.runtime.state import encode_state
from connectors_core.runtime.unit import (
    ROW_OVERHEAD,
    Outbox,
    Progress,
    Target,
    close_open,
    close_unit,
)

State: TypeAlias = tuple[int, Mapping[str, str | None]]
"""The age of a batch's state in its overlay, and canonical JSON by key."""
Made: TypeAlias = tuple[bool, Target, Row, int]
"""Whether it is a delivered record (not a dead letter), where it goes, its row, its bytes."""

NO_STATE: State = (0, {})
MAX_SAMPLES = 100


class Intake:
    """Takes items one at a time: transforms, converts, collects units, closes them.

    `detour` says that even the usual record must come here (see `short_way`).

    Called by the generators' drivers, never by two at a time. `tolerant` is `errors.tolerance:
    all`. `max_bytes` bounds one unit. `on_hold` is called when items begin to wait for a schema to
    be inferred; within a second, `release` must be called.
    """

    def __init__(
        self,
        encoder: Encoder,
        steps: Sequence[Step],
        outbox: Outbox,
        dead_letters: DeadLetters,
        *,
        tolerant: bool,
        max_bytes: int,
        on_hold: Callable[[], None],
    ) -> None:
        self._encoder = encoder
        self._steps = steps
        self._outbox = outbox
        self._dead = dead_letters
        self._tolerant = tolerant
        self._max_bytes = max_bytes
        self._on_hold = on_hold
        self._held: list[tuple[Item, State, Progress]] = []
        self.detour = bool(steps) or crash.armed()

    @property
    def holding(self) -> bool:
        """Whether items wait for a schema to be inferred."""
        return bool(self._held)

    @property
    def held(self) -> int:
        """How many items wait for a schema to be inferred."""
        return len(self._held)

    def accept(self, item: Item, progress: Progress) -> None:
        """Take one item. Raises the item's error, after which the task must fail."""
        crash.reach("pull")
        state = NO_STATE
        if type(item) is Batch and item.state:
            values = encode_state(item.state)
            state = (progress.overlay.put(values), values)
        if self._held:
            self._hold(item, state, progress)
            return
        try:
            self._take(item, state, progress)
        except NeedSamples:
            self._hold(item, state, progress)

    def release(self) -> None:
        """Learn the schemas from what is held, and take it."""
        held, self._held = self._held, []
        self.detour = bool(self._steps) or crash.armed()
        if held:
            records = [record for item, _, _ in held for record in _records_of(item)]
            self._encoder.learn([made for each in records for made in self._sample(each)])
            for item, state, progress in held:
                self._take(item, state, progress)

    def _hold(self, item: Item, state: State, progress: Progress) -> None:
        self._held.append((copy.deepcopy(item), state, progress))
        self.detour = True
        if len(self._held) == 1:
            self._on_hold()
        if len(self._held) >= MAX_SAMPLES:
            self.release()

    def _sample(self, record: Record) -> Sequence[Record]:
        try:
            return run_chain(self._steps, record) if self._steps else (record,)
        except Exception:
            return ()

    def _take(self, item: Item, state: State, progress: Progress) -> None:
        rows = [row for each in _parts(item) for row in self._rows(each, progress)]
        if type(item) is Batch and item.offset is None and progress.open_rows:
            raise ContractError(
                f"partition {progress.key}: a Batch without an offset came while a unit was open."
                " Give an offset to the last record before it.",
                code="source.unit",
            )
        self._add(rows, progress)
        if type(item) is Batch:
            self._add_state(state, progress)
        if item.offset is not None:
            close_unit(progress, item.offset, self._outbox)
        elif type(item) is Batch:
            close_open(progress, self._outbox)
        else:
            return
        self._outbox.touched()

    def _rows(self, item: Record | Reject, progress: Progress) -> list[Made]:
        if type(item) is Reject:
            return [self._reject(item, progress)]
        assert type(item) is Record
        stage = "TRANSFORMATION"
        try:
            records = run_chain(self._steps, item)
            stage = "CONVERT"
            crash.reach("encode")
            made = [(True, *self._encoder.row(record, progress.key)) for record in records]
        except (NeedSamples, ContractError):
            raise
        except Exception as error:
            if not self._tolerant:
                raise _as_data_error(error, stage) from error
            row = self._dead.of_record(item, stage, error, progress.key)
            return [self._dead_letter(row)]
        if not made:
            self._outbox.parcel.filtered += 1
        return made

    def _reject(self, reject: Reject, progress: Progress) -> Made:
        if not self._tolerant:
            raise DataError(
                f"partition {progress.key}: a message can't become a record: {reject.reason}."
                " Set errors.tolerance: all to send such messages to the dead letters.",
                code="data.rejected",
            )
        return self._dead_letter(self._dead.of_reject(reject, progress.key))

    def _dead_letter(self, row: Row) -> Made:
        self._outbox.parcel.rejected += 1
        return False, self._dead.target, row, len(row[1] or b"")

    def _add(self, rows: Sequence[Made], progress: Progress) -> None:
        outbox = self._outbox
        for delivered, target, row, size in rows:
            progress.open_rows.append((target, row))
            if delivered:
                progress.open_records += 1
                progress.open_value_bytes += size
            progress.open_bytes += size + ROW_OVERHEAD
            outbox.held += size + ROW_OVERHEAD
        if progress.open_bytes > self._max_bytes + ROW_OVERHEAD * (len(progress.open_rows) + 1):
            raise ContractError(
                f"partition {progress.key}: one unit holds {progress.open_bytes} bytes, over"
                f" batch.max.bytes = {self._max_bytes}. Give offsets more often, or raise it.",
                code="source.unit-too-large",
            )

    def _add_state(self, state: State, progress: Progress) -> None:
        age, values = state
        if not values:
            return
        parcel, outbox = self._outbox.parcel, self._outbox
        parcel.state.setdefault(progress.key, {}).update(values)
        parcel.ages[progress.key] = age
        size = sum(len(key) + len(value or "") + ROW_OVERHEAD for key, value in values.items())
        parcel.bytes += size
        outbox.held += size


def _parts(item: Item) -> Sequence[Record | Reject]:
    if type(item) is Batch:
        return _checked_records(item)
    if type(item) is Record or type(item) is Reject:
        return (item,)
    raise ContractError(
        f"a source yields Record, Batch or Reject, got {type(item).__name__}.", code="source.item"
    )


def _checked_records(batch: Batch) -> Sequence[Record]:
    for record in batch.records:
        if type(record) is not Record or record.offset is not None:
            raise ContractError(
                "a Batch holds Records without offsets; the Batch has the offset.",
                code="source.batch",
            )
    return batch.records


def _records_of(item: Item) -> Sequence[Record]:
    if type(item) is Record:
        return (item,)
    return item.records if type(item) is Batch else ()


def _as_data_error(error: Exception, stage: str) -> PyconnectError:
    if isinstance(error, PyconnectError):
        return error
    return DataError(f"{stage.lower()}: {describe(error)}", code="data.transform")
