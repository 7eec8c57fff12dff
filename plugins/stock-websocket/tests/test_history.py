"""What was missed is fetched once, or declared: Binance (ids without holes) and Upbit (unordered)."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime
from typing import Any

import fastavro
import pytest

from connectors_core import Retry
from connectors_core.testing import MemoryContext, Response
from pyconnect_stock_websocket import StockWebSocket, unordered
from pyconnect_stock_websocket.testing import Upstream
from pyconnect_stock_websocket.testing.market import upbit_row
from pyconnect_stock_websocket.testing.reader import Reader

FEEDS = [("binance", "BTCUSDT"), ("upbit", "KRW-BTC")]


def connect(upstream: Upstream, provider: str, symbol: str, **options: Any) -> Reader:
    return Reader(provider=provider, symbols=[symbol], **upstream.config(), **options)


def anchored(context: MemoryContext) -> bool:
    return bool(context.offsets)


def ways(reader: Reader) -> list[str]:
    return [str(dict(each.headers)["source"]) for each in reader.context.records]


@pytest.mark.parametrize(("provider", "symbol"), FEEDS)
async def test_a_first_start_gives_everything_from_then_on_and_nothing_older(
    upstream: Upstream, provider: str, symbol: str
) -> None:
    reader = connect(upstream, provider, symbol)
    await reader.read(anchored)
    assert reader.trades == []
    await upstream.trade(symbol, 3)
    await reader.read(lambda _: len(reader.trades) == 3)
    assert reader.trades == upstream.expected(provider, symbol)
    assert reader.gaps == []


@pytest.mark.parametrize(("provider", "symbol"), FEEDS)
@pytest.mark.parametrize("missed", [0, 1, 1500])
async def test_a_reconnect_fills_the_hole_exactly_once(
    upstream: Upstream, provider: str, symbol: str, missed: int
) -> None:
    reader = connect(upstream, provider, symbol)
    await reader.read(anchored)
    await upstream.trade(symbol, missed)
    made = False

    async def go_live() -> None:
        nonlocal made
        await upstream.subscribed(symbol, upstream.connections + 1)
        await upstream.trade(symbol, 4)
        made = True

    await with_live(reader, go_live, missed + 4)
    assert made
    assert reader.trades == upstream.expected(provider, symbol)
    assert reader.gaps == []


async def with_live(reader: Reader, act: Any, count: int) -> None:
    """Read until `count` trades came, while `act` runs beside it."""
    task = asyncio.create_task(act())
    try:
        await reader.read(lambda _: task.done() and len(reader.trades) >= count)
    finally:
        await task


@pytest.mark.parametrize(("provider", "symbol"), FEEDS)
async def test_resumes_after_every_offset(upstream: Upstream, provider: str, symbol: str) -> None:
    first = connect(upstream, provider, symbol)
    await first.read(anchored)
    await upstream.trade(symbol, 6)
    expected = upstream.expected(provider, symbol)
    for count in range(1, 7):
        stopped = first.restarted()
        await stopped.read(lambda _, s=stopped, n=count: len(s.trades) == n)  # type: ignore[misc]
        resumed = stopped.restarted()
        await resumed.read(lambda _, r=resumed: len(r.trades) == 6)  # type: ignore[misc]
        assert resumed.trades == expected
        assert resumed.gaps == []


@pytest.mark.parametrize(("provider", "symbol"), FEEDS)
async def test_live_and_backfilled_values_are_the_same_bytes(
    upstream: Upstream, provider: str, symbol: str
) -> None:
    live = connect(upstream, provider, symbol)
    await live.read(anchored)
    back = live.restarted()

    async def two_behind_the_seam() -> None:
        await upstream.subscribed(symbol, upstream.connections + 1)
        await upstream.trade(symbol, 1)
        while not live.trades:
            await asyncio.sleep(0.001)
        await upstream.trade(symbol, 2)

    await with_live(live, two_behind_the_seam, 3)
    await back.read(lambda _: len(back.trades) == 3)
    assert "LIVE" in ways(live)
    assert set(ways(back)) == {"BACKFILL"}
    assert encoded(live) == encoded(back)
    assert live.trades == back.trades
    assert [each.key for each in live.context.records] == [
        each.key for each in back.context.records
    ]
    times = [each.timestamp for each in live.context.records]
    assert times == [each.timestamp for each in back.context.records]


async def subscribed_trade(upstream: Upstream, symbol: str) -> None:
    await upstream.subscribed(symbol, upstream.connections + 1)
    await upstream.trade(symbol, 3)


def encoded(reader: Reader) -> list[bytes]:
    schema = fastavro.parse_schema(StockWebSocket.schemas[""].definition)
    written = []
    for record in reader.context.records:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, schema, record.value, strict=True)
        written.append(buffer.getvalue())
    return written


async def test_a_live_hole_is_filled_before_the_trade_that_showed_it(upstream: Upstream) -> None:
    reader = connect(upstream, "binance", "BTCUSDT")

    async def lose_some() -> None:
        await upstream.subscribed("BTCUSDT")
        await upstream.trade("BTCUSDT", 2)
        await upstream.trade("BTCUSDT", 5, live=False)
        await upstream.trade("BTCUSDT", 1)

    await with_live(reader, lose_some, 8)
    assert reader.trades == upstream.expected("binance", "BTCUSDT")
    assert reader.gaps == []


async def test_upbit_trades_out_of_order_are_all_given_once(upstream: Upstream) -> None:
    reader = connect(upstream, "upbit", "KRW-BTC")
    shuffled = [2, 0, 1, 4, 3, 3, 5, 0]

    async def shuffle() -> None:
        await upstream.subscribed("KRW-BTC")
        made = await upstream.trade("KRW-BTC", 6, live=False)
        await upstream.send("KRW-BTC", [made[at] for at in shuffled])

    await with_live(reader, shuffle, 6)
    resumed = reader.restarted()
    await upstream.trade("KRW-BTC", 1)
    await resumed.read(lambda _: len(resumed.trades) == 7)
    assert sorted(resumed.trades) == sorted(upstream.expected("upbit", "KRW-BTC"))


class Busy(Upstream):
    """Trades at once when it is asked to, so that the history has what is still on its way."""

    async def _upbit(self, client: Any, message: Any) -> None:
        await super()._upbit(client, message)
        await self.trade("KRW-BTC", 4)


async def test_what_waits_while_the_history_is_asked_is_not_given_twice() -> None:
    """The history may reach further past the messages that wait than the overlap."""
    async with Busy(rate=0) as upstream:
        reader = connect(upstream, "upbit", "KRW-BTC", overlap_seconds=0)

        async def last() -> None:
            await upstream.subscribed("KRW-BTC")
            await asyncio.sleep(0.1)
            await upstream.trade("KRW-BTC", 1)

        newest = asyncio.create_task(last())
        await reader.read(lambda _: len(reader.trades) >= 5)
        await newest
        assert reader.trades == upstream.expected("upbit", "KRW-BTC")


async def test_a_lower_id_missed_while_away_is_not_lost(upstream: Upstream) -> None:
    """An offset of "newest id" would lose the two that came late."""
    reader = connect(upstream, "upbit", "KRW-BTC", backfill=True)
    await reader.read(anchored)
    made = await upstream.trade("KRW-BTC", 4, live=False)
    late = [upstream.market("KRW-BTC").trades[-1 - at] for at in (1, 2)]
    for each in late:
        upstream.market("KRW-BTC").trades.remove(each)
    await reader.read(lambda _: len(reader.trades) == 2)
    market = upstream.market("KRW-BTC").trades
    ordered = sorted([*market, *late], key=lambda each: each.number)
    market.clear()
    market.extend(ordered)
    await reader.read(lambda _: len(reader.trades) == 4)
    assert sorted(reader.trades) == sorted(upstream.expected("upbit", "KRW-BTC"))
    assert len(made) == 4


@pytest.mark.parametrize("stale_answers", [2, 4])
async def test_a_history_that_lags_behind_the_stream_is_asked_again_or_declared(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, stale_answers: int
) -> None:
    monkeypatch.setattr(unordered, "LAG_SECONDS", 0.001)
    reader = connect(upstream, "upbit", "KRW-BTC")
    await reader.read(anchored)
    rows = [upbit_row(made) for made in reversed(upstream.market("KRW-BTC").trades)]
    await upstream.trade("KRW-BTC", 3)
    # One answer before connecting, then up to three for the seam.
    stale = f"[{','.join(rows)}]"
    upstream.rest_answers.extend(Response(body=stale) for _ in range(stale_answers))
    last = upstream.expected("upbit", "KRW-BTC")[-1]
    await reader.read(lambda _: last in reader.trades)
    if stale_answers == 2:
        assert reader.trades == upstream.expected("upbit", "KRW-BTC")
        assert reader.gaps == []
    else:
        (gap,) = reader.gaps
        assert reader.trades == [last]
        assert gap.value["to"] == reader.context.records[-1].value["event_time"]


async def test_a_trade_that_comes_twice_is_given_once(upstream: Upstream) -> None:
    reader = connect(upstream, "binance", "BTCUSDT")

    async def twice() -> None:
        await upstream.subscribed("BTCUSDT")
        made = await upstream.trade("BTCUSDT", 3)
        await upstream.send("BTCUSDT", made)
        await upstream.trade("BTCUSDT", 1)

    await with_live(reader, twice, 4)
    assert reader.trades == upstream.expected("binance", "BTCUSDT")


@pytest.mark.parametrize(("provider", "symbol"), FEEDS)
async def test_without_a_history_the_hole_is_declared(
    upstream: Upstream, provider: str, symbol: str
) -> None:
    reader = connect(upstream, provider, symbol, backfill=False)
    await with_live(reader, lambda: subscribed_trade(upstream, symbol), 3)
    last = reader.context.records[-1].value["event_time"]
    seen = list(reader.trades)
    await upstream.trade(symbol, 5)
    again = reader.restarted()

    async def live() -> None:
        await upstream.subscribed(symbol, upstream.connections + 1)
        await upstream.trade(symbol, 1)

    await with_live(again, live, len(seen) + 1)
    (gap,) = again.gaps
    assert gap.value["from"] == last
    assert gap.value["cause"] == "RESTART"
    assert gap.value["status"] == "UNFILLABLE"
    first_after = again.context.records[again.context.records.index(gap) + 1]
    assert gap.value["to"] == first_after.value["event_time"]
    assert again.context.reported[-1][1]["gaps"] == 1
    if provider == "binance":
        assert gap.value["to_id"] - gap.value["from_id"] + 1 == 5
    check_gap_schema(gap.value)


def check_gap_schema(value: dict[str, Any]) -> None:
    assert isinstance(value["from"], datetime)
    schema = fastavro.parse_schema(StockWebSocket.schemas["gaps"].definition)
    fastavro.schemaless_writer(io.BytesIO(), schema, value, strict=True)


async def test_a_history_that_says_no_declares_and_goes_on(upstream: Upstream) -> None:
    reader = connect(upstream, "binance", "BTCUSDT")
    await reader.read(anchored)
    await upstream.trade("BTCUSDT", 2)
    upstream.rest_answers.append(Response(403, '{"code":-1003,"msg":"no"}'))
    await with_live(reader, lambda: subscribed_trade(upstream, "BTCUSDT"), 3)
    (gap,) = reader.gaps
    assert (gap.value["from_id"], gap.value["to_id"]) == (21, 22)
    assert reader.trades == upstream.expected("binance", "BTCUSDT", after=22)


async def test_more_than_backfill_max_is_declared_exactly(upstream: Upstream) -> None:
    reader = connect(upstream, "binance", "BTCUSDT", backfill_max=1000)
    await reader.read(anchored)
    await upstream.trade("BTCUSDT", 2500)
    await with_live(reader, lambda: subscribed_trade(upstream, "BTCUSDT"), 1003)
    (gap,) = reader.gaps
    missing = range(gap.value["from_id"], gap.value["to_id"] + 1)
    given = [int(each.rpartition(":")[2]) for each in reader.trades]
    assert sorted([*given, *missing]) == list(range(21, 2524))
    assert gap.value["status"] == "PARTIAL"


async def test_more_than_backfill_max_of_upbit_is_declared_by_time(upstream: Upstream) -> None:
    reader = connect(upstream, "upbit", "KRW-BTC", backfill_max=500, overlap_seconds=0.1)
    await reader.read(anchored)
    made = await upstream.trade("KRW-BTC", 1700)
    await reader.read(lambda _: made[-1].upbit_id in {id_of(each) for each in reader.trades})
    (gap,) = reader.gaps
    start, end = (gap.value[name].timestamp() * 1000 for name in ("from", "to"))
    given = {id_of(each) for each in reader.trades}
    assert len(given) == len(reader.trades) >= 500
    assert all(each.upbit_id in given or start < each.ms < end for each in made)
    assert gap.value["status"] == "PARTIAL"


def id_of(event_id: str) -> int:
    return int(event_id.rpartition(":")[2])


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [(429, {"Retry-After": "7"}, 7.0), (418, {}, 60.0), (500, {}, None), (503, {}, None)],
)
async def test_a_history_that_is_not_there_just_now_is_waited_for(
    upstream: Upstream, status: int, headers: dict[str, str], after: float | None
) -> None:
    reader = connect(upstream, "binance", "BTCUSDT")
    await reader.read(anchored)
    await upstream.trade("BTCUSDT", 3)
    upstream.rest_answers.append(Response(status, "{}", headers))
    with pytest.raises(Retry) as caught:
        await reader.read(lambda _: len(reader.trades) == 3)
    assert caught.value.after == after
    assert bool(reader.context.held) == (after is not None)
    await reader.read(lambda _: len(reader.trades) == 3)
    assert reader.trades == upstream.expected("binance", "BTCUSDT")
    assert reader.gaps == []
