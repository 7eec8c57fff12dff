"""The intake of a task: every item that is yielded goes through here, at once and whole.

Values are encoded before the generator goes on, so that a source may change or reuse what it
yielded, and so that memory is counted in real bytes (invariant 8).
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from connectors_core.api.errors import (
    ConfigError,
    ContractError,
    DataError,
    PyconnectError,
    StoreError,
)
from connectors_core.api.record import Batch, Item, Record, Reject
from connectors_core.api.store import Row
from connectors_core.runtime import crash
from connectors_core.runtime.calls import raised
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

Part: TypeAlias = tuple[Record | Reject, Sequence[Record], Exception | None]
"""What was yielded, what the chain made of it, or why the chain could not."""

NO_STATE: State = (0, {})
MAX_SAMPLES = 100


class Intake:
    """Takes items one at a time: transforms, converts, collects units, closes them.

    `detour` says that even the usual record must come here (see `short_way`); so does `closed`,
    which is for good: the run pulls no more.

    Called by the generators' drivers, never by two at a time. `tolerant` is `errors.tolerance:
    all`. `max_bytes` bounds one unit. `on_hold` is called when items begin to wait for a schema to
    be inferred; within a second, `release` must be called, unless `read_ahead` bytes came before.
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
        read_ahead: int,
        on_hold: Callable[[], None],
    ) -> None:
        self._encoder = encoder
        self._steps = steps
        self._outbox = outbox
        self._dead = dead_letters
        self._tolerant = tolerant
        self._max_bytes = max_bytes
        self._read_ahead = read_ahead
        self._on_hold = on_hold
        self._held: list[tuple[Item, Sequence[Part], State, Progress]] = []
        self._held_bytes = 0
        self._broken: Exception | None = None
        self.detour = bool(steps) or crash.armed()
        self.closed = False
        self.held = 0
        """How many records of closed units wait for a schema to be inferred."""

    def accept(self, item: Item, progress: Progress) -> None:
        """Take one item. Raises the item's error, after which the task must fail."""
        if self._broken is not None:
            raise self._broken
        crash.reach("pull")
        parts = [self._transformed(each) for each in _parts(item)]
        state = NO_STATE
        if type(item) is Batch and item.state:
            values = encode_state(item.state)
            state = (progress.overlay.put(values), values)
        if self._held:
            self._hold(item, parts, state, progress)
            return
        try:
            self._take(item, parts, state, progress)
        except NeedSamples:
            self._hold(item, parts, state, progress)

    def release(self) -> None:
        """Learn the schemas from what is held, and take it."""
        held, self._held = self._held, []
        self._held_bytes = self.held = 0
        if not held:
            return
        try:
            made = [records for _, parts, _, _ in held for _, records, _ in parts]
            self._encoder.learn([record for records in made for record in records])
            for item, parts, state, progress in held:
                progress.held = 0
                self._take(item, parts, state, progress)
        # The rest of what was held is gone with it: no partition may go on over that hole.
        except Exception as error:
            self._broken = error
            raise
        except BaseException as error:
            self._broken = raised(error, "a converter")
            raise self._broken from error
        self.detour = bool(self._steps) or crash.armed()

    def _hold(self, item: Item, parts: Sequence[Part], state: State, progress: Progress) -> None:
        offset = _copied(item.offset)
        shell = Batch(offset=offset) if type(item) is Batch else Record(None, offset=offset)
        copies = [(*_copied((each, records)), error) for each, records, error in parts]
        self._held.append((shell, copies, state, progress))
        self.detour = True
        if len(self._held) == 1:
            self._on_hold()
        progress.held += sum(len(records) for _, records, _ in parts)
        if type(item) is Batch or offset is not None:
            self.held, progress.held = self.held + progress.held, 0
        # Invariant 8: what waits here is in no outbox yet, so it is weighed where it lies.
        values = [record.value for _, records, _ in parts for record in records]
        self._held_bytes += _weight(values, self._read_ahead)
        if len(self._held) >= MAX_SAMPLES or self._held_bytes >= self._read_ahead:
            self.release()

    def _transformed(self, item: Record | Reject) -> Part:
        """Run the chain, once only for each record: a transform may change it in place."""
        if type(item) is not Record:
            return item, (), None
        try:
            return item, run_chain(self._steps, item), None
        except Exception as error:
            return item, (), error
        except BaseException as error:
            raise raised(error, "a transform") from error

    def _take(self, item: Item, parts: Sequence[Part], state: State, progress: Progress) -> None:
        made = [self._rows(each, progress) for each in parts]
        rows = [row for each in made for row in each]
        progress.open_filtered += made.count([])
        progress.open_rejected += sum(not delivered for delivered, _, _, _ in rows)
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

    def _rows(self, part: Part, progress: Progress) -> list[Made]:
        item, records, failure = part
        if type(item) is Reject:
            return [self._reject(item, progress)]
        assert type(item) is Record
        stage = "TRANSFORMATION"
        try:
            if failure is not None:
                raise failure  # noqa: TRY301 - one place says what becomes of a bad record
            stage = "CONVERT"
            crash.reach("encode")
            return [(True, *self._encoder.row(record, progress.key)) for record in records]
        except (NeedSamples, ContractError, ConfigError, StoreError):
            raise  # not the record's fault: a registry may be down, or refuse us
        except Exception as error:
            if not self._tolerant:
                raise _as_data_error(error, stage) from error
            row = self._dead.of_record(item, stage, error, progress.key)
            return [self._dead_letter(row)]

    def _reject(self, reject: Reject, progress: Progress) -> Made:
        if not self._tolerant:
            raise DataError(
                f"partition {progress.key}: a message can't become a record: {reject.reason}."
                " Set errors.tolerance: all to send such messages to the dead letters.",
                code="data.rejected",
            )
        return self._dead_letter(self._dead.of_reject(reject, progress.key))

    def _dead_letter(self, row: Row) -> Made:
        headers = sum(len(name.encode()) + len(data) for name, data in row[3])
        return False, self._dead.target, row, len(row[0] or b"") + len(row[1] or b"") + headers

    def _add(self, rows: Sequence[Made], progress: Progress) -> None:
        outbox = self._outbox
        for delivered, target, row, size in rows:
            progress.open_rows.append((target, row))
            size += ROW_OVERHEAD
            if delivered:
                progress.open_records += 1
            else:
                progress.open_undelivered += size
            progress.open_bytes += size
            outbox.open_bytes += size
        outbox.reckon()
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
        parcel = self._outbox.parcel
        parcel.state.setdefault(progress.key, {}).update(values)
        parcel.ages[progress.key] = age
        size = sum(
            len(key.encode()) + len((value or "").encode()) + ROW_OVERHEAD
            for key, value in values.items()
        )
        parcel.bytes += size
        parcel.undelivered += size


def _parts(item: Item) -> Sequence[Record | Reject]:
    if type(item) is Batch:
        return _checked_records(item)
    if type(item) is Record:
        return (item,)
    assert type(item) is Reject
    return (_checked_reject(item),)


def _checked_records(batch: Batch) -> Sequence[Record]:
    # Not any iterable: one that can be read only once would be empty when it is stored.
    if not isinstance(batch.records, Sequence) or not isinstance(batch.state, Mapping):
        raise ContractError(
            "a Batch holds a sequence of Records (a list or tuple, not a generator) and a map of"
            f" state, got {type(batch.records).__name__} and {type(batch.state).__name__}.",
            code="source.batch",
        )
    for record in batch.records:
        if type(record) is not Record or record.offset is not None:
            raise ContractError(
                "a Batch holds Records without offsets; the Batch has the offset.",
                code="source.batch",
            )
    return batch.records


def _checked_reject(reject: Reject) -> Reject:
    if not isinstance(reject.raw, bytes | bytearray | memoryview) or type(reject.reason) is not str:
        raise ContractError(
            "a Reject has a reason of text and raw bytes, got"
            f" {type(reject.reason).__name__} and {type(reject.raw).__name__}.",
            code="source.item",
        )
    return reject


def _copied(thing: Any) -> Any:
    """Copy what a source may go on changing; what can't be copied can't be written either."""
    try:
        return copy.deepcopy(thing)
    except Exception:
        return thing


def _weight(value: Any, most: int) -> int:
    """Return about how many bytes a value takes in memory; `most` is the end of looking."""
    total, waiting = 0, [value]
    while waiting and total < most:
        each = waiting.pop()
        total += sys.getsizeof(each)
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list | tuple):
            waiting += each
    return total


def _as_data_error(error: Exception, stage: str) -> PyconnectError:
    if isinstance(error, PyconnectError):
        return error
    return DataError(f"{stage.lower()}: {describe(error)}", code="data.transform")
