"""What is told of a store that keeps a commit waiting."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from connectors_core.api.errors import StoreFull
from connectors_core.api.store import Transaction
from connectors_core.runtime import writer
from connectors_core.runtime.slot_thread import SlotThread
from connectors_core.runtime.writer import WAITING, Writer


class Silent:
    """A slot whose commit ends when it is told to."""

    def __init__(self) -> None:
        self.answer = threading.Event()

    def commit(self, transaction: Transaction) -> None:
        assert self.answer.wait(10)


@pytest.mark.parametrize(("slow", "note"), [(0.0, WAITING), (60.0, "")])
async def test_a_commit_that_takes_long_is_noted_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, slow: float, note: str
) -> None:
    monkeypatch.setattr(writer, "SLOW_SECONDS", slow)
    slot, thread = Silent(), SlotThread("test")
    found = Writer("test", slot, thread, Any)  # type: ignore[arg-type]
    committing = asyncio.create_task(found._call(slot.commit, Transaction()))
    try:
        await asyncio.sleep(0.01)
        assert found.note == note
    finally:
        slot.answer.set()
        await committing
        thread.stop()
    assert found.note == ""


class Full(Silent):
    """Has no room at first, then is silent."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def commit(self, transaction: Transaction) -> None:
        self.calls += 1
        if self.calls == 1:
            raise StoreFull("no room")
        super().commit(transaction)


async def test_a_store_that_is_full_is_still_said_to_be_so_while_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "SLOW_SECONDS", 0.0)
    slot, thread = Full(), SlotThread("test")
    found = Writer("test", slot, thread, Any)  # type: ignore[arg-type]
    storing = asyncio.create_task(found._store(Transaction()))
    try:
        async with asyncio.timeout(30):
            while slot.calls < 2:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert found.note == "no room"
    finally:
        slot.answer.set()
        await storing
        thread.stop()
    assert found.note == ""
