"""Lawful sources of the other kinds: a plain generator, and one with all that a source may give."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from connectors_core import Batch, OffsetError, Record, Reject, Retry
from tests.hostile.lawful import LARGEST, SHARDS, UNREADABLE, Items, Lawful, item, seq_of

ask = build_opener(ProxyHandler({})).open


class Plain(Lawful):
    """The items from a plain generator, which blocks."""

    name = "plain-lawful"

    def read(self, partition: Any, offset: Any) -> Iterator[Record]:  # type: ignore[override]
        after = seq_of(offset) if offset else 0
        while (page := self.page_now(partition["shard"], after))["items"]:
            if offset and after < page["oldest"] - 1:
                raise OffsetError(f"items up to {page['oldest']} are gone, {after} was the last.")
            for each in page["items"]:
                after = each["seq"]
                yield Record(each, key=str(after), offset={"seq": after})

    def page_now(self, shard: int, after: int) -> Any:
        query = urlencode({"shard": shard, "after": after, "limit": self.config.page})
        request = Request(f"{self.config.url}/items?{query}")
        request.add_header("Authorization", self.secret())
        began = time.monotonic()
        try:
            with ask(request, timeout=self.config.timeout / 4) as answer:
                body = b""
                while more := answer.read1(65_536):
                    body += more
                    if len(body) > LARGEST:
                        raise ValueError("an answer without end")
                    if time.monotonic() - began > self.config.timeout:
                        raise TimeoutError("the answer takes too long")
            return self.parsed(body)
        except HTTPError as error:
            wait = error.headers.get("Retry-After")
            error.close()
            raise Retry(f"HTTP {error.code}", after=float(wait) if wait else None) from error
        except (HTTPException, *UNREADABLE) as error:
            raise Retry(f"{type(error).__name__}: {error}") from error


class TellsGaps(Lawful):
    """Tells what is gone in a record, and goes on behind it."""

    name = "telling-lawful"
    topics = ("gaps",)

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        after = seq_of(offset) if offset else 0
        oldest = (await self.page(partition, after))["oldest"]
        if offset and after < oldest - 1:
            for each in self.tell(partition, oldest):
                yield each
            offset = {"seq": oldest - 1}
        async for record in super().read(partition, offset):
            yield record

    def tell(self, partition: Any, oldest: int) -> list[Any]:
        return [Record({"before": oldest}, topic="gaps", offset={"seq": oldest - 1})]


class ReportsGaps(TellsGaps):
    """Tells it in a report, which `run` and `status` show."""

    def tell(self, partition: Any, oldest: int) -> list[Any]:
        self.context.report(partition, gap=f"before {oldest}")
        return []


class Together(Lawful):
    """All shards in one generator: batches with state, rejects, tombstones, and two topics.

    It asks in `open` already. The place is in the state; the offset only counts the steps.
    """

    name = "together-lawful"
    topics = ("late",)

    async def open(self) -> None:
        await self.ask("/items", shard=0, after=0, limit=1)

    async def read_all(self, positions: Mapping[Any, Any]) -> AsyncIterator[Any]:
        states = {place: self.context.state(place) for place in positions}
        at = {place: dict(offset or {"step": 0, "told": 0}) for place, offset in positions.items()}
        left = set(positions)
        while left:
            for place in sorted(left, key=lambda each: int(each["shard"])):
                after = states[place].get("seq") or 0
                page = await self.page(place, after)
                if after and after < page["oldest"] - 1:
                    raise OffsetError(f"items up to {page['oldest']} are gone.")
                items = page["items"]
                if not items:
                    left.discard(place)
                    continue
                at[place]["step"] += 1
                if items[0]["seq"] == 4 and not at[place]["told"]:
                    at[place]["told"] = 1
                    yield Reject("four is no number", b"4", at[place], place)
                else:
                    yield self.batch(place, items, at[place])

    def batch(self, place: Any, items: list[Any], offset: Any) -> Batch:
        records = [Record(each, key=str(each["seq"])) for each in items]
        records.append(Record(None, key=str(items[0]["seq"])))
        if items[-1]["seq"] > 6:
            records.append(Record({"last": items[-1]["seq"]}, topic="late"))
        state = {"seq": items[-1]["seq"], f"page|{offset['step']:03d}": len(items)}
        return Batch(records, offset, state, place)

    async def committed(self, partition: Any, offset: Any) -> None:
        """Nothing: the far side keeps all."""


class TogetherItems(Items):
    """What Together gives of the items."""

    def expected(self) -> list[Any]:
        found: list[Any] = []
        for shard in range(SHARDS):
            for first, last in ((1, 3), (4, 6), (7, 8)):
                found += [item(shard, n) for n in range(first, last + 1)] + [None]
            found.append({"last": 8})
        return found
