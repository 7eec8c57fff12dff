"""Mutants that break a law of the far side."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from connectors_core import Retry
from tests.hostile.lawful import Lawful, Paced
from tests.hostile.lawful_kinds import TellsGaps
from tests.hostile.mutants.breaking import (
    Forgetful,
    breaks,
)


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
