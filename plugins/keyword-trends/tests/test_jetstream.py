"""Following a Jetstream over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Batch, Partition, Reject, Retry
from connectors_core.testing import MemoryContext
from pyconnect_keyword_trends import KeywordTrends, jetstream
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.record import KeywordTrend
from pyconnect_keyword_trends.testing import Answer, Replay, Upstream, expected, post

PLACE = Partition({"provider": "jetstream"})
BASE = 1_788_318_000_000_000
SECOND = 1_000_000
TEXTS = ("삼성전자가 올랐다", "kafka kafka", "nothing", "python and kafka")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store what waits every 20 ms instead of 250."""
    monkeypatch.setattr(jetstream, "TICK", 0.02)


def said(second: float, text: str = "kafka", author: str = "a", **more: Any) -> str:
    """Return a post `second` s after BASE."""
    return post(BASE + round(second * SECOND), author, text, **more)


def script(count: int = 60) -> list[str]:
    """Return a script of a minute that closes its own windows."""
    posts = [said(1 + n, TEXTS[n % 4], f"a{n % 5}") for n in range(count)]
    return [said(0, "first"), *posts, said(count + 60, "last")]


def config(server: Upstream, **options: Any) -> TrendsConfig:
    """Point a config at the server; windows of 10 s."""
    plain = {"provider": "jetstream", "keywords": ["삼성전자", "kafka", "python"]}
    mine = {"window": 10_000, "max_out_of_order": 2000, "idle_close": 60_000}
    return TrendsConfig.model_validate({**plain, **server.config(), **mine, **options})


async def hear(
    server: Upstream, context: MemoryContext, until: int, limit: int = 0, **options: Any
) -> int:
    """Read until the cursor is `until` us, or for `limit` items; return how many were applied."""
    source = KeywordTrends(config(server, **options), context)
    count = 0
    async with asyncio.timeout(20):
        async with aclosing(source.read(PLACE, context.offsets.get(PLACE))) as items:  # type: ignore[type-var]
            async for item in items:
                context.apply(PLACE, item)
                count += 1
                if count == limit or _cursor(context) == until:
                    break
    await source.close()
    return count


def _cursor(context: MemoryContext) -> object:
    return context.offsets.get(PLACE, {}).get("cursor")


def told(context: MemoryContext) -> Counter[tuple[str, int, int, int, int]]:
    """Return windows with a match as `expected` has them, and how often each was told."""
    values = [r.value for r in context.records if isinstance(r.value, KeywordTrend)]
    return Counter(
        (v.keyword, round(v.window_start.timestamp() * 1000), v.messages, v.occurrences, v.authors)
        for v in values
        if v.messages
    )


def counted(frames: list[str], made: TrendsConfig) -> Counter[tuple[str, int, int, int, int]]:
    """Return the same from the script."""
    return Counter((*place, *counts) for place, counts in expected(frames, made).items())


async def test_counts_are_those_of_the_script() -> None:
    frames = script()
    async with Upstream(frames) as server:
        context = MemoryContext()
        await hear(server, context, BASE + 120 * SECOND)
        assert told(context) == counted(frames, config(server))
        assert server.cursors == [None]


@pytest.mark.slow
async def test_a_kill_after_any_item_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "EVENTS", 5)
    frames = script()
    async with Upstream(frames) as server:
        whole = counted(frames, config(server))
        items = await hear(server, MemoryContext(), BASE + 120 * SECOND)
        assert items >= 12
        for kill in range(1, items, 2):
            context = MemoryContext()
            await hear(server, context, 0, limit=kill)
            context = context.copy()
            await hear(server, context, BASE + 120 * SECOND)
            assert told(context) == whole, kill


async def test_a_connection_asks_for_its_cursor_less_the_rewind() -> None:
    async with Upstream([said(1), said(8)]) as server:
        context = MemoryContext()
        await hear(server, context, BASE + 8 * SECOND)
        await server.say(said(9))
        await hear(server, context, BASE + 9 * SECOND)
        assert server.cursors == [None, BASE + 3 * SECOND]


async def test_many_events_are_one_batch() -> None:
    frames = [said(n / 100) for n in range(1000)]
    async with Upstream(frames) as server:
        context = MemoryContext()
        assert await hear(server, context, BASE + 9_990_000) <= 15


async def test_identity_and_account_events_move_the_cursor_only() -> None:
    identity = {"did": "did:plc:a", "time_us": BASE + SECOND, "kind": "identity", "identity": {}}
    async with Upstream([said(0), json.dumps(identity)]) as server:
        context = MemoryContext()
        await hear(server, context, BASE + SECOND)
        assert context.records == []


@pytest.mark.slow
async def test_silence_closes_windows_and_goes_on_telling_zero() -> None:
    async with Upstream([said(0), said(0.5)]) as server:
        context = MemoryContext()
        options = {"window": 1000, "max_out_of_order": 0, "idle_close": 300}
        await hear(server, context, 0, limit=5, **options)
        values = [record.value for record in context.records if record.value.keyword == "kafka"]
        assert [value.messages for value in values[:3]] == [2, 0, 0]
        assert not any(value.incomplete for value in values)


async def test_a_dropped_connection_is_a_retry_after_what_was_heard() -> None:
    frames = script()
    async with Upstream(frames) as server:
        context = MemoryContext()
        server.drop_after = 30
        with pytest.raises(Retry, match="1011") as raised:
            await hear(server, context, BASE + 120 * SECOND)
        assert raised.value.code == "retry.closed"
        assert _cursor(context) == BASE + 29 * SECOND
        server.drop_after = None
        await hear(server, context, BASE + 120 * SECOND)
        assert told(context) == counted(frames, config(server))


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (Answer(429, b"slow down", {"Retry-After": "17"}), 17.0),
        (Answer(429), None),
        (Answer(503, b"", {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}), 0.0),
        (Answer(404), None),
        (Answer(200, b"<html>hello</html>"), None),
    ],
)
async def test_a_refusal_is_a_retry_of_its_class(answer: Answer, after: float | None) -> None:
    async with Upstream([said(0)]) as server:
        server.refuse = [answer]
        with pytest.raises(Retry, match=str(answer.status)) as raised:
            await hear(server, MemoryContext(), BASE)
        assert raised.value.code == f"retry.http-{answer.status}"
        assert raised.value.after == after


async def test_nobody_there_is_a_retry() -> None:
    async with Upstream([]) as server:
        pass
    with pytest.raises(Retry, match="can't connect") as raised:
        await hear(server, MemoryContext(), 0)
    assert raised.value.code == "retry.network"


async def test_a_mute_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "MUTE", 0.6)
    async with Upstream([said(0)]) as server:
        context = MemoryContext()
        with pytest.raises(Retry, match="no frame"):
            await hear(server, context, 0)
        assert _cursor(context) == BASE


async def test_a_connection_that_speaks_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "MUTE", 0.5)
    async with Upstream() as server:
        assert await hear(server, MemoryContext(), 0, limit=30) == 30


async def test_a_stream_that_sleeps_closes_windows_over_many_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jetstream, "MUTE", 0.3)
    options = {"window": 1000, "max_out_of_order": 0, "idle_close": 100}
    async with Upstream([said(0)]) as server:
        context = MemoryContext()
        for _ in range(20):
            with pytest.raises(Retry, match="no frame"):
                await hear(server, context, 0, **options)
            if context.records:
                break
        assert len(server.cursors) > 2
        assert {record.value.messages for record in context.records} == {0, 1}


async def test_a_frame_above_1_mib_is_a_retry() -> None:
    async with Upstream([said(0), said(1, "x" * (1 << 20))]) as server:
        context = MemoryContext()
        with pytest.raises(Retry, match="larger than 1 MiB"):
            await hear(server, context, 0)
        assert _cursor(context) == BASE


async def test_an_unreadable_frame_is_rejected_once_with_its_bytes() -> None:
    frames = [said(0), "{broken", said(1), "{also \ud7ff", "{broken", said(2)]
    async with Upstream(frames) as server:
        context = MemoryContext()
        await hear(server, context, BASE + 2 * SECOND)
        await server.say(said(3))
        await hear(server, context, BASE + 3 * SECOND)
        assert [reject.raw for reject in context.rejects] == [b"{broken", "{also \ud7ff".encode()]
        assert context.rejects[0].reason.startswith("jetstream: not JSON")


async def test_an_unreadable_frame_is_rejected_once_wherever_the_process_dies() -> None:
    frames = [said(0), "{broken", said(1), "{also", said(2)]
    for kill in range(1, 8):
        async with Upstream(frames) as server:
            context = MemoryContext()
            await hear(server, context, BASE + 2 * SECOND, limit=kill)
            context = context.copy()
            if _cursor(context) != BASE + 2 * SECOND:
                await hear(server, context, BASE + 2 * SECOND)
            await server.say(said(3))
            await hear(server, context, BASE + 3 * SECOND)
            assert [reject.raw for reject in context.rejects] == [b"{broken", b"{also"], kill


async def test_offsets_of_neighbouring_items_differ() -> None:
    async with Upstream([said(0), "{a", "{b", said(1), "{c", said(2)]) as server:
        source = KeywordTrends(config(server), MemoryContext())
        offsets: list[Any] = []
        async with aclosing(source.read(PLACE, None)) as items:  # type: ignore[type-var]
            async for item in items:
                assert isinstance(item, (Batch, Reject))
                offsets += [item.offset] if item.offset else []
                if item.offset == {"cursor": BASE + 2 * SECOND}:
                    break
        assert len(offsets) >= 6
        assert all(one != two for one, two in pairwise(offsets))


async def test_the_facts_are_reported() -> None:
    async with Upstream([said(0), said(1)]) as server:
        context = MemoryContext()
        await hear(server, context, BASE + SECOND)
        await server.say(said(2))
        await hear(server, context, BASE + 2 * SECOND, limit=9)
        source = KeywordTrends(config(server), context)
        await server.say(said(3))
        async with aclosing(source.read(PLACE, context.offsets[PLACE])) as items:  # type: ignore[type-var]
            async for item in items:
                context.apply(PLACE, item)
                if len(context.reported) >= 1:
                    break
                await server.say(said(4 + len(context.reported)))
        place, facts = context.reported[-1]
        assert place == PLACE
        assert {"duplicates", "replayed", "late_dropped", "gaps", "newest_us"} <= facts.keys()


async def test_the_generated_stream_is_the_same_for_a_killed_worker() -> None:
    async with Upstream() as server:
        context = MemoryContext()
        for limit in (3, 5, 4):
            await hear(server, context, 0, limit=limit, window=1000, max_out_of_order=0)
        values = [r.value for r in context.records if isinstance(r.value, KeywordTrend)]
        keys = [record.key for record in context.records]
        assert len(set(keys)) == len(keys)
        assert not [value for value in values if value.messages > value.occurrences]


async def test_the_recorded_frames_are_counted() -> None:
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is unset")
    async with Replay(Path(folder, "trends/jetstream.jsonl")) as server:
        assert server.script is not None
        assert len(server.script) == 12
        # The last two frames are older by years: they come late, and say nothing of a keyword.
        await server.say(post(1_788_318_100_000_000, "z", "last"))
        context = MemoryContext()
        keywords = ["삼성전자", "반도체", "bitcoin", "$btc", "#bitcoin", "light", "wtf"]
        options: dict[str, Any] = {"keywords": keywords, "window": 10_000}
        await hear(server, context, 1_788_318_100_000_000, **options)
        starts = {start for _, start, *_ in told(context)}
        assert starts == {1_732_206_340_000, 1_788_318_000_000}
        assert told(context) == counted(server.script, config(server, **options))
        gap = next(record for record in context.records if record.topic == "gaps")
        assert gap.value.reason == "silence"
