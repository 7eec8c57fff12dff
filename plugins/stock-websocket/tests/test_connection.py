"""Every end of a connection: one attempt a call, the right class, never silence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors_core import ConfigError, OffsetError, Partition, Retry
from pyconnect_stock_websocket import StockWebSocket, pyconnect_sources
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.testing import Upstream
from pyconnect_stock_websocket.testing.reader import Reader

SYMBOL = {"upbit": "KRW-BTC", "binance": "BTCUSDT", "kis": "005930"}
PLAIN = {
    "url": "ws://unused.example/",
    "subscribe": [{"op": "subscribe", "symbol": "{symbol}"}],
    "where": {"type": "trade"},
    "side": "side",
}


def connect(upstream: Upstream, provider: str = "binance", **options: Any) -> Reader:
    symbols = options.pop("symbols", [SYMBOL.get(provider, "AAA")])
    return Reader(provider=provider, symbols=symbols, **upstream.config(), **options)


def never(_: object) -> bool:
    return False


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013])
async def test_accept_then_close_is_one_attempt_and_a_retry(upstream: Upstream, code: int) -> None:
    """The runtime's back-off decides when to try again: this source never loops by itself."""
    upstream.close_at_once = code
    reader = connect(upstream)
    for attempt in range(1, 4):
        with pytest.raises(Retry) as caught:
            await reader.read(never)
        assert caught.value.code == "retry.closed"
        assert upstream.connections == attempt


@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_a_clean_close_in_the_middle_is_no_end(upstream: Upstream, code: int) -> None:
    reader = connect(upstream)

    async def close() -> None:
        await upstream.subscribed("BTCUSDT")
        await upstream.trade("BTCUSDT", 2)
        await upstream.drop(code)

    task = asyncio.create_task(close())
    with pytest.raises(Retry, match=f"closed {code}"):
        await reader.read(never)
    await task
    await upstream.trade("BTCUSDT", 2)
    await reader.read(lambda _: len(reader.trades) == 4)
    assert reader.trades == upstream.expected("binance", "BTCUSDT")


@pytest.mark.parametrize(
    ("provider", "status", "headers", "after"),
    [
        ("upbit", 429, {"Retry-After": "12"}, 12.0),
        ("upbit", 418, {}, 60.0),
        ("binance", 403, {}, 300.0),
        ("binance", 429, {"Retry-After": "soon"}, 30.0),
        ("upbit", 500, {}, None),
        ("upbit", 503, {}, None),
    ],
)
async def test_a_handshake_refused_for_now(
    upstream: Upstream, provider: str, status: int, headers: dict[str, str], after: float | None
) -> None:
    upstream.refusals.append((status, headers))
    with pytest.raises(Retry) as caught:
        await connect(upstream, provider).read(never)
    assert caught.value.after == after
    assert upstream.connections == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409])
async def test_a_handshake_refused_for_good(upstream: Upstream, status: int) -> None:
    upstream.refusals.append((status, {}))
    with pytest.raises(ConfigError, match=f"HTTP {status}"):
        await connect(upstream, "upbit").read(never)


async def test_nobody_at_the_door_is_a_retry(upstream: Upstream) -> None:
    options = upstream.config() | {"base_url": "ws://127.0.0.1:9/?token=very-secret"}
    reader = Reader(provider="upbit", symbols=["KRW-BTC"], **options)
    with pytest.raises(Retry) as caught:
        await reader.read(never)
    assert "very-secret" not in str(caught.value)
    assert caught.value.code == "retry.network"


async def test_a_mute_server_is_noticed(upstream: Upstream) -> None:
    reader = connect(upstream, "generic", generic=PLAIN, message_seconds=0.05)
    with pytest.raises(Retry) as caught:
        await reader.read(never)
    assert caught.value.code == "retry.silent"


@pytest.mark.parametrize("provider", ["binance", "kis"])
async def test_a_subscription_that_is_never_confirmed_is_an_error(
    upstream: Upstream, provider: str
) -> None:
    upstream.subscribe_answer = '{"result":null,"id":99}'
    reader = connect(upstream, provider, confirm_seconds=0.05)
    with pytest.raises(Retry, match=SYMBOL[provider]) as caught:
        await reader.read(never)
    assert caught.value.code == "retry.unconfirmed"


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("upbit", '{"error":{"name":"INVALID_PARAM","message":"codes"}}'),
        ("binance", '{"code":2,"msg":"Invalid request"}'),
    ],
)
async def test_a_wrong_subscription_names_the_symbols_option(
    upstream: Upstream, provider: str, answer: str
) -> None:
    upstream.subscribe_answer = answer
    with pytest.raises(ConfigError, match="symbols"):
        await connect(upstream, provider).read(never)


async def test_garbage_is_rejected_with_its_bytes_and_the_feed_goes_on(upstream: Upstream) -> None:
    reader = connect(upstream)

    async def garbage() -> None:
        await upstream.subscribed("BTCUSDT")
        for client in upstream.clients:
            await client.send("garbage", b"\xff\x00")
        (lost,) = await upstream.trade("BTCUSDT", live=False)
        for client in upstream.clients:
            await client.send(f'{{"e":"trade","s":"BTCUSDT","t":{lost.number},"p":"NaN"}}')
        await upstream.trade("BTCUSDT", 1)

    task = asyncio.create_task(garbage())
    await reader.read(lambda context: len(context.records) == 1)
    await task
    raws = [each.raw for each in reader.context.rejects]
    assert raws[:2] == [b"garbage", b"\xff\x00"]
    assert b"NaN" in raws[2]
    assert reader.trades == upstream.expected("binance", "BTCUSDT")[1:]
    assert reader.gaps == []


async def test_a_generic_feed_gives_trades_and_declares_each_reconnect(upstream: Upstream) -> None:
    reader = connect(upstream, "generic", symbols=["AAA", "BBB"], generic=PLAIN)

    async def trade() -> None:
        seen = upstream.connections + 1
        await upstream.subscribed("AAA", seen)
        await upstream.subscribed("BBB", seen)
        await upstream.trade("AAA", 1)
        await upstream.trade("BBB", 1)

    for expected in (2, 6):
        task = asyncio.create_task(trade())
        await reader.read(lambda context, n=expected: len(context.records) == n)  # type: ignore[misc]
        await task
    assert len(reader.trades) == 4
    assert {gap.value["cause"] for gap in reader.gaps} == {"DISCONNECT"}
    assert {gap.value["symbol"] for gap in reader.gaps} == {"AAA", "BBB"}


async def test_symbols_share_one_connection_and_keep_their_own_offsets(upstream: Upstream) -> None:
    reader = connect(upstream, "upbit", symbols=["KRW-BTC", "KRW-ETH"])

    async def trade() -> None:
        await upstream.subscribed("KRW-ETH")
        await upstream.trade("KRW-BTC", 2)
        await upstream.trade("KRW-ETH", 3)

    task = asyncio.create_task(trade())
    await reader.read(lambda context: len(context.records) == 5)
    await task
    assert upstream.connections == 1
    assert len(reader.context.offsets) == 2
    assert [each for each in reader.trades if "ETH" in each] == upstream.expected(
        "upbit", "KRW-ETH"
    )


@pytest.mark.parametrize("offset", [{"n": "x"}, {"n": 1, "us": 2.5}, {"n": 1, "us": 1, "id": "12"}])
async def test_an_offset_of_no_use_is_an_offset_error(upstream: Upstream, offset: Any) -> None:
    reader = connect(upstream)
    (place,) = await reader.source.partitions()
    reader.context.offsets[Partition(place)] = offset
    with pytest.raises(OffsetError, match="offset of BTCUSDT"):
        await reader.read(never)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": ["KRW-BTC", "krw-btc"]}, "twice"),
        ({"symbols": [5930]}, "symbols"),
        ({"symbols": ["a b"]}, "symbols"),
        ({"base_url": "http://x"}, "base_url"),
        ({"provider": "generic"}, "generic"),
        ({"generic": {}}, "generic"),
        ({"provider": "nyse"}, "provider"),
    ],
)
def test_a_wrong_option_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        StockConfig(**{"provider": "upbit", "symbols": ["KRW-BTC"], **wrong})


async def test_a_market_started_again_goes_on_from_its_last_run() -> None:
    """Offsets of an earlier playground must not hide the trades of the next."""
    async with Upstream(rate=40) as first:
        reader = connect(first)
        await reader.read(lambda _: len(reader.trades) >= 3)
    async with Upstream(rate=40) as second:
        again = Reader(reader.context.copy(), **reader.options | second.config())
        seen = len(again.trades)
        await again.read(lambda _: len(again.trades) >= seen + 3)
        ids = [int(each.rpartition(":")[2]) for each in again.trades]
        assert ids == sorted(set(ids))
        known = set(second.expected("binance", "BTCUSDT", after=0))
        assert known.issuperset(again.trades[seen:])


def test_every_option_has_a_description() -> None:
    assert all(field.description for field in StockConfig.model_fields.values())


async def test_the_plugin_brings_the_source_and_a_partition_a_symbol(upstream: Upstream) -> None:
    assert pyconnect_sources() == [StockWebSocket]
    reader = connect(upstream, "upbit", symbols=["krw-btc", "KRW-ETH"])
    assert await reader.source.partitions() == [
        {"provider": "upbit", "symbol": "KRW-BTC"},
        {"provider": "upbit", "symbol": "KRW-ETH"},
    ]
