"""Items: what a source may yield, and how. The contract of sources judges by the same functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors_core.api.errors import ContractError
from connectors_core.api.record import Batch, Item, Record, Reject


def require_item(item: Any) -> None:
    """Raise ContractError for what is no Record, Batch or Reject; a subclass is none either."""
    if type(item) not in (Record, Batch, Reject):  # a str has a `partition` too
        raise ContractError(
            f"a source yields Record, Batch or Reject, got {type(item).__name__}.",
            code="source.item",
        )


def checked_parts(item: Item) -> Sequence[Record | Reject]:
    """Return the records of an item, or its reject. Raises ContractError for what it may not hold."""
    if type(item) is Batch:
        return checked_records(item)
    if type(item) is Record:
        return (item,)
    assert type(item) is Reject
    return (checked_reject(item),)


def checked_records(batch: Batch) -> Sequence[Record]:
    """Return the records of a batch. Raises ContractError unless they are Records without offsets."""
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


def checked_reject(reject: Reject) -> Reject:
    """Return a reject. Raises ContractError unless it has a reason of text and raw bytes."""
    if not isinstance(reject.raw, bytes | bytearray | memoryview) or type(reject.reason) is not str:
        raise ContractError(
            "a Reject has a reason of text and raw bytes, got"
            f" {type(reject.reason).__name__} and {type(reject.raw).__name__}.",
            code="source.item",
        )
    return reject


def require_no_open_unit(item: Item, key: str, waiting: int) -> None:
    """Raise ContractError for a Batch without an offset while `waiting` records have none yet.

    `key` is the partition's. Nobody could say which unit they belong to.
    """
    if type(item) is Batch and item.offset is None and waiting:
        raise ContractError(
            f"partition {key}: a Batch without an offset came while a unit was open."
            " Give an offset to the last record before it.",
            code="source.unit",
        )


def require_closed(key: str, waiting: int) -> None:
    """Raise ContractError if a read of the partition `key` ended while `waiting` records had no
    offset."""
    if waiting:
        raise ContractError(
            f"partition {key}: read returned with {waiting} records that no offset closes."
            " Give the last record an offset.",
            code="source.open-unit",
        )
