"""Sources that break one law each, and nothing else: what the contract is tested with."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
import sqlite3
import ssl
import threading
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from connectors_core import OffsetError, Record, Retry, Source
from tests.hostile.lawful import SHARDS, Items, Lawful, Options, Paced, seq_of
from tests.hostile.lawful_kinds import TellsGaps

MUTANTS: dict[str, tuple[type[Lawful], type[Items]]] = {}


class Following(Items):
    follow = True


class Pruning(Items):
    prunes = True


class OneShard(Items):
    def config(self) -> dict[str, Any]:
        return {**super().config(), "shards": 1}

    def expected(self) -> list[Any]:
        return [each for each in super().expected() if each["shard"] == 0]


class Forgetful(Items):
    async def fault(self, kind: str) -> None:
        await super().fault("none" if kind == "prune" else kind)


def breaks(law: str, upstream: type[Items] = Items) -> Any:
    """Note the law that a mutant breaks."""

    def noted(mutant: type[Lawful]) -> type[Lawful]:
        MUTANTS[f"{mutant.__name__}-{law}"] = mutant, upstream
        return mutant

    return noted


def with_options(options: type[Options]) -> type[Any]:
    """Return the lawful source with other options."""

    class Mutant(Lawful, Source[options]):  # type: ignore[valid-type, misc]
        pass

    return Mutant


# Options.


class Undescribed(Options):
    colour: str = Field("red")


class Filling(Options):
    @model_validator(mode="before")
    @classmethod
    def fill(cls, given: Any) -> Any:
        return {"url": "http://127.0.0.1:1", **given}


class TakingAll(Options):
    url: Annotated[str, BeforeValidator(str)] = Field(description="Where the items are.")


class Ignoring(Options):
    model_config = ConfigDict(extra="ignore")


class Clamping(Options):
    @field_validator("page", mode="wrap")
    @classmethod
    def clamp(cls, value: Any, handler: Any) -> Any:
        return handler(value) if not isinstance(value, int) else handler(min(max(value, 1), 50))


class Open(Options):
    password: str = Field("", description="What opens the other door.")


@breaks("options_are_described")
class DescribesNothing(with_options(Undescribed)):
    name = "mutant"


@breaks("required_options_are_named")
class FillsInTheUrl(with_options(Filling)):
    name = "mutant"


@breaks("wrong_types_are_refused")
class TakesAnyUrl(with_options(TakingAll)):
    name = "mutant"


@breaks("unknown_options_are_refused")
class IgnoresUnknown(with_options(Ignoring)):
    name = "mutant"


@breaks("bounds_are_kept")
class ClampsThePage(with_options(Clamping)):
    name = "mutant"


@breaks("secrets_are_marked")
class PlainPassword(with_options(Open)):
    name = "mutant"


# Partitions.


@breaks("partitions_are_flat_and_distinct")
class TheSameTwice(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": 0}, {"shard": 1}, {"shard": 1}]


@breaks("partitions_are_flat_and_distinct")
class Nested(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": {"number": number}} for number in range(SHARDS)]


@breaks("partitions_are_stable")
class NewNames(Lawful):
    async def partitions(self) -> Any:
        return [{"shard": number, "run": uuid.uuid4().hex} for number in range(SHARDS)]


@breaks("partitions_are_stable")
class TurnsThemRound(Lawful):
    asked = itertools.count()

    async def partitions(self) -> Any:
        found = [{"shard": number} for number in range(SHARDS)]
        return found[::-1] if next(self.asked) % 2 else found


@breaks("partitions_split", OneShard)
class HasOnePart(Lawful):
    """Says that it splits, at a far side that has nothing to split."""


@breaks("partitions_split")
class OneLeads(Lawful):
    leads = False

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        self.leads = self.leads or partition["shard"] == 0
        async for record in super().read(partition, offset):
            if self.leads or record.value["seq"] > 1:
                yield record


# Readings.


class Rewritten(Lawful):
    """Gives something else for the records of a partition."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            for each in self.instead(record):
                yield each

    def instead(self, record: Record) -> list[Any]:
        raise NotImplementedError


@breaks("items_are_well_formed")
class LeavesTheUnitOpen(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record, *[Record(record.value)][: record.value["seq"] == 8]]


@breaks("items_are_well_formed")
class YieldsDicts(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record.value]


@breaks("reads_everything")
class SkipsOne(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record] if record.value != {"seq": 5, "shard": 1, "text": "item 5"} else []


@breaks("reads_everything")
class DoublesOne(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        twice = record.value["seq"] == 5 and record.value["shard"] == 1
        return [Record(record.value), record] if twice else [record]


@breaks("reads_everything")
class OutOfOrder(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        held = None
        async for record in super().read(partition, offset):
            if record.value["seq"] == 4:
                held = record.value
                continue
            yield record
            if held is not None:
                yield Record(held, offset={"seq": record.value["seq"], "late": True})
                held = None


@breaks("reads_everything")
class EndsTooSoon(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [record] if record.value["seq"] < 8 else []


@breaks("records_survive_avro")
class HalfACharacter(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, key="\ud800", offset=record.offset)]


@breaks("schemas_are_stable")
class FieldsOfASet(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        value = {name: record.value[name] for name in {*record.value}}
        return [Record(value, key=record.key, offset=record.offset)]


# Offsets.


@breaks("offsets_are_flat_json")
class OffsetIsASet(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"], "seen": {1, 2}})]


@breaks("offsets_are_flat_json")
class OffsetIsHuge(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"], "seen": "x" * 2000})]


@breaks("offsets_move")
class OneOffsetForTwo(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] // 2})]


@breaks("resumes_from_every_offset")
class OneTooFar(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] + 1})]


@breaks("resumes_from_every_offset")
class OneBefore(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        return [Record(record.value, offset={"seq": record.value["seq"] - 1})]


@breaks("resumes_from_every_offset")
class SkipsTheRestOfThePage(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = offset["page"] if offset else 0
        while items := (await self.page(partition, after))["items"]:
            after = items[-1]["seq"]
            for item in items:
                yield Record(item, offset={"page": after, "seq": item["seq"]})

    async def committed(self, partition: Any, offset: Any) -> None:
        await self.ask("/ack", shard=partition["shard"], seq=offset["seq"])


@breaks("resumes_from_every_offset")
class NumbersWhatItReads(Lawful):
    """The value is right, and who keeps the last one of each key keeps another one."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        number = 0
        async for record in super().read(partition, offset):
            number += 1
            yield Record(record.value, key=number, offset=record.offset)


@breaks("resumes_from_every_offset")
class AnotherTopicAfterAStart(Lawful):
    topics = ("first",)

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        topic = None if offset else "first"
        async for record in super().read(partition, offset):
            yield Record(record.value, key=record.key, offset=record.offset, topic=topic)


@breaks("accepts_older_offsets")
class ForgetsTheOldForm(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        offset = offset and {"seq": offset.get("seq", 0)}
        async for record in super().read(partition, offset):
            yield record


# The life of a source.


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


@breaks("keeps_the_loop_free")
class BlocksTheLoop(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        time.sleep(0.25)
        return await super().page(partition, after)


@breaks("keeps_the_loop_free")
class ComputesInC(Lawful):
    """Holds the interpreter's lock, so that no other thread can see it."""

    async def page(self, partition: Any, after: int) -> Any:
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


# The far side.


@breaks("faults_end_in_retry_or_a_clear_error")
class EndsInSilence(Lawful):
    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        try:
            async for record in super().read(partition, offset):
                yield record
        except Retry:
            return


@breaks("faults_end_in_retry_or_a_clear_error")
class RaisesWhatComes(Lawful):
    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry as error:
            raise error.__cause__ or error from None


@breaks("faults_end_in_retry_or_a_clear_error")
class WaitsForEver(Lawful):
    async def ask(self, path: str, **query: Any) -> Any:
        object.__setattr__(self.config, "timeout", 3600.0)
        return await super().ask(path, **query)


@breaks("faults_end_in_retry_or_a_clear_error")
class EndsInSilenceLater(Lawful):
    """Says Retry only before its first record."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        given = False
        try:
            async for record in super().read(partition, offset):
                given = True
                yield record
        except Retry:
            if not given:
                raise

    async def committed(self, partition: Any, offset: Any) -> None:
        """Nothing, which could not fail."""


@breaks("faults_end_in_retry_or_a_clear_error")
class RemembersBesideTheOffset(Lawful):
    """Skips after a Retry what it has fetched before, given or not."""

    fetched: int

    async def page(self, partition: Any, after: int) -> Any:
        self.fetched = getattr(self, "fetched", 0)
        page = await super().page(partition, after)
        if partition["shard"] == 0:
            fresh = [each for each in page["items"] if each["seq"] > self.fetched]
            page["items"] = fresh or page["items"][-1:] * (after < 8)
            self.fetched = max(self.fetched, *(each["seq"] for each in page["items"]), 0)
        return page


@breaks("retry_after_is_kept")
class IgnoresRetryAfter(Lawful):
    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry as error:
            raise Retry(error.message) from error


@breaks("untrusted_certificates_are_refused")
class TrustsAnybody(Lawful):
    def tls(self) -> ssl.SSLContext:
        return ssl._create_unverified_context()


@breaks("untrusted_certificates_are_refused")
class ForgetsTheS(Lawful):
    def tls(self) -> Any:
        return None


class Falling(Lawful):
    """Raises what some data brings about, instead of saying Retry."""

    falls: ClassVar[type[Exception]]

    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry as error:
            if isinstance(error.__cause__, self.falls):
                raise error.__cause__ from None
            raise


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class FallsOverDeepData(Falling):
    falls = RecursionError


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class FallsOverAnEmptyAnswer(Lawful):
    def parsed(self, body: bytes) -> Any:
        return super().parsed(body or b"{}")


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class TakesHalfCharacters(Lawful):
    def parsed(self, body: bytes) -> Any:
        super().parsed(body.replace(b"\\ud800", b""))
        return json.loads(body)


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class TakesNaN(Lawful):
    def parsed(self, body: bytes) -> Any:
        super().parsed(body.replace(b"NaN", b"0"))
        return json.loads(body)


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class HoldsItAll(Lawful):
    largest = 1 << 40


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class EndsAtAnEmptyAnswer(Lawful):
    def parsed(self, body: bytes) -> Any:
        return super().parsed(body or b'{"items": [], "oldest": 1}')


@breaks("hostile_data_ends_in_a_record_a_reject_or_a_clear_error")
class SkipsWhatIsBad(Lawful):
    """A page in which something is not a number is read as one without items."""

    def parsed(self, body: bytes) -> Any:
        return super().parsed(body if b"NaN" not in body else b'{"items": [], "oldest": 1}')


@breaks("keeps_its_pace")
class HurriesBack(Paced):
    async def page(self, partition: Any, after: int) -> Any:
        await super().page(partition, after)
        return await Lawful.ask(self, "/items", shard=partition["shard"], after=after, limit=3)


@breaks("keeps_its_pace")
class PacesAfterwards(Paced):
    async def ask(self, path: str, **query: Any) -> Any:
        found = await Lawful.ask(self, path, **query)
        await self.context.pace("lawful", 100.0)
        return found


@breaks("keeps_its_pace")
class TriesAgainAtOnce(Paced):
    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry:
            return await Lawful.ask(self, path, **query)


@breaks("keeps_its_pace")
class BudgetForEachPage(Paced):
    def budget(self, **query: Any) -> str:
        return f"lawful {query}"


@breaks("keeps_its_pace")
class TakesTokensInAdvance(Paced):
    taken = 0

    async def open(self) -> None:
        for _ in range(6):
            await self.context.pace("lawful", 100.0)
            self.taken += 1

    async def ask(self, path: str, **query: Any) -> Any:
        if self.taken:
            self.taken -= 1
            return await Lawful.ask(self, path, **query)
        return await super().ask(path, **query)


@breaks("a_pruned_offset_is_told")
class GoesOnFromTheOldest(Lawful):
    async def page(self, partition: Any, after: int) -> Any:
        return {**await super().page(partition, after), "oldest": 0}


@breaks("a_pruned_offset_is_told")
class TellsOnlyTheFirstGap(TellsGaps):
    told = False

    def tell(self, partition: Any, oldest: int) -> list[Any]:
        told, self.told = self.told, True
        return [] if told else super().tell(partition, oldest)


@breaks("a_pruned_offset_is_told")
class ReportsNoGap(TellsGaps):
    def tell(self, partition: Any, oldest: int) -> list[Any]:
        self.context.report(partition, oldest=oldest, gap="")
        return []


@breaks("a_pruned_offset_is_told", Forgetful)
class LosesNothing(Lawful):
    """Its far side says that it prunes, and does not."""


# What it keeps to itself.


@breaks("secrets_are_kept")
class LogsTheSecret(Lawful):
    async def open(self) -> None:
        logging.getLogger(__name__).debug("opening", extra={"with": self.secret()})


@breaks("secrets_are_kept")
class TellsTheSecretInAnError(Lawful):
    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry as error:
            raise Retry(f"{error.message} with {self.secret()}", after=error.after) from error


@breaks("writes_nothing_of_its_own")
class WritesAFile(Lawful):
    async def open(self) -> None:
        path = Path(f"/tmp/{uuid.uuid4().hex}")
        path.write_text("cache")
        path.unlink()


@breaks("writes_nothing_of_its_own")
class KeepsADatabase(Lawful):
    async def open(self) -> None:
        path = f"/tmp/{uuid.uuid4().hex}"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE seen (url)")
        Path(path).unlink()


@breaks("writes_nothing_of_its_own")
class Prints(Lawful):
    async def open(self) -> None:
        print("opening")
