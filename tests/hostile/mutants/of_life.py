"""Mutants that break a law of the life of a source."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from connectors_core import OffsetError, Record, Retry
from tests.hostile.lawful import Lawful, seq_of
from tests.hostile.mutants.breaking import (
    Following,
    OneShard,
    Pruning,
    breaks,
)


@breaks("yields_outside_of_scopes")
class YieldsInATimeout(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            async with asyncio.timeout(60):
                yield record


async def in_a_timeout(items: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async with asyncio.timeout(60):
        async for item in items:
            yield item


@breaks("yields_outside_of_scopes")
class YieldsInAHelpersTimeout(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in in_a_timeout(super().read(partition, offset)):
            yield record


@breaks("stops_at_every_await")
class SwallowsCancellation(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        while True:
            try:
                return await super().page(partition, after)
            except asyncio.CancelledError:
                await asyncio.sleep(3)


@breaks("stops_at_every_await")
class ReadsOnWhenStopped(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        while True:
            try:
                return await super().page(partition, after)
            except asyncio.CancelledError:
                continue


@breaks("stops_at_every_await")
class FailsWhenStopped(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        try:
            return await super().page(partition, after)
        except asyncio.CancelledError:
            raise AttributeError("writer") from None


@breaks("stops_at_every_await", OneShard)
class SwallowsCancellationAsItAcknowledges(Lawful):
    async def committed(self, partition: Any, offset: Any) -> None:
        while True:
            try:
                return await super().committed(partition, offset)
            except asyncio.CancelledError:
                await asyncio.sleep(3)


@breaks("stops_at_every_await", OneShard)
class FailsWhenStoppedAsItAcknowledges(Lawful):
    async def committed(self, partition: Any, offset: Any) -> None:
        try:
            await super().committed(partition, offset)
        except asyncio.CancelledError:
            raise AttributeError("writer") from None


@breaks("stops_at_every_await")
class ClosesWhatItNeverOpened(Lawful):
    async def open(self) -> None:
        await asyncio.sleep(0)
        self.opened = [self.config.url]

    async def close(self) -> None:
        self.opened.clear()


@breaks("stops_at_every_await", OneShard)
class SwallowsCancellationAsItCloses(Lawful):
    async def close(self) -> None:
        for _ in range(5):
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                await asyncio.sleep(3)


@breaks("waits_without_work", Following)
class Spins(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        page = await super().page(partition, after)
        until = time.monotonic() + 0.5
        while not page["items"] and time.monotonic() < until:
            await asyncio.sleep(0)
        return page


@breaks("waits_without_work", Following)
class RetriesAtOnce(Lawful):
    """Takes for an error that there is nothing new."""

    after: ClassVar[float | None] = 0.0

    async def page(self, partition: Any, after: int) -> Any:
        page = await super().page(partition, after)
        if not page["items"]:
            raise Retry("nothing yet", after=self.after)
        return page


@breaks("waits_without_work", Following)
class RetriesAfterTheUsualWait(RetriesAtOnce):
    after = None


@breaks("reads_what_comes_later", Following)
class LooksOnce(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        page = await super().page(partition, after)
        if not page["items"]:
            await asyncio.Event().wait()
        return page


class Ending(Following):
    def config(self) -> dict[str, Any]:
        return {**super().config(), "follow": False}


@breaks("waits_without_work", Ending)
class ReturnsAtTheEnd(Lawful):
    """Is not declared `bounded`, and ends."""


class Leaking(Lawful):
    """Leaves something in `open`."""

    async def open(self) -> None:
        self.leak()

    def leak(self) -> None:
        raise NotImplementedError


KEPT: list[Any] = []


@breaks("leaves_nothing_behind")
class LeaksATask(Leaking):
    def leak(self) -> None:
        KEPT.append(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))


@breaks("leaves_nothing_behind")
class LeaksAThread(Leaking):
    def leak(self) -> None:
        threading.Thread(target=threading.Event().wait, args=(8,), daemon=True).start()


@breaks("leaves_nothing_behind")
class LeaksASocket(Leaking):
    def leak(self) -> None:
        KEPT.append(socket.socket())


@breaks("leaves_nothing_behind")
class LeaksMemory(Leaking):
    def leak(self) -> None:
        KEPT.append([object() for _ in range(2000)])


@breaks("a_reading_is_short")
class TakesItsTime(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        await asyncio.sleep(1)
        return await super().page(partition, after)


@breaks("keeps_the_loop_free")
class BlocksTheLoop(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        if (partition["shard"], after) == (0, 0):  # once, for a reading is to be short
            time.sleep(0.4)
        return await super().page(partition, after)


@breaks("keeps_the_loop_free")
class ComputesInC(Lawful):
    """Holds the interpreter's lock, so that no other thread can see it."""

    async def page(self, partition: Any, after: int) -> Any:
        if (partition["shard"], after) == (0, 0):
            sum(range(20_000_000))
        return await super().page(partition, after)


@breaks("survives_a_stalled_store")
class StartsAClockAtAYield(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            began = time.monotonic()
            yield record
            if time.monotonic() - began > 0.9:
                return


@breaks("instances_do_not_meet")
class SharesItsPlace(Lawful):
    place: ClassVar[dict[int, int]] = {}

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        place, shard = self.place, partition["shard"]
        place[shard] = seq_of(offset) if offset else 0
        while items := (await self.page(partition, place[shard]))["items"]:
            place[shard] = items[-1]["seq"]
            for item in items:
                yield Record(item, offset={"seq": item["seq"]})


@breaks("acknowledges_only_what_is_committed", Pruning)
class AcknowledgesEarly(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            await self.committed(partition, record.offset)
            yield record


@breaks("survives_a_kill_at_every_point", Pruning)
class AcknowledgesAtTheEnd(Lawful):
    """Lives on what the far side has forgotten, and tells it only when it is closed."""

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.newest: dict[Any, Any] = {}
        self.given: dict[Any, Any] = {}

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        oldest = (await self.page(partition, 0))["oldest"]
        if offset and seq_of(offset) < oldest - 1:
            raise OffsetError("gone")
        async for record in super().read(partition, self.given.get(partition)):
            self.given[partition] = record.offset
            yield record

    async def committed(self, partition: Any, offset: Any) -> None:
        self.newest[partition] = offset

    async def close(self) -> None:
        for partition, offset in self.newest.items():
            await super().committed(partition, offset)
