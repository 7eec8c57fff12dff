"""The example messages of the cases folder: every `in` message, and the recordings end to end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket import binance, upbit
from pyconnect_stock_websocket.binance import Binance
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Ready, Reply
from pyconnect_stock_websocket.kis import Kis
from pyconnect_stock_websocket.provider import Provider
from pyconnect_stock_websocket.testing import Replay, recorded
from pyconnect_stock_websocket.testing.reader import Reader
from pyconnect_stock_websocket.trade import Trade, instant
from pyconnect_stock_websocket.upbit import Upbit


def meanings(provider: Provider, path: Path) -> list[Any]:
    """What every `in` message means: events, or the error's type."""
    found: list[Any] = []
    for line in recorded(path):
        try:
            found.append(provider.read(line["raw"].encode()))
        except (ConfigError, Retry) as error:
            found.append(type(error))
    return found


def rest(path: Path) -> list[Any]:
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [json.loads(line["raw"], parse_float=Decimal) for line in lines if line["dir"] == "rest"]


def test_every_upbit_message_is_understood(cases: Path) -> None:
    config = StockConfig(provider="upbit", symbols=["KRW-LAMB"])
    up, refused, default, first, book, second = meanings(Upbit(config), cases / "upbit.jsonl")
    assert (up, refused, book) == ([], ConfigError, [])
    trades = [*default, *first, *second]
    assert [trade.event_id for trade in trades] == [
        "upbit:KRW-BTC:1584508285000002",
        "upbit:KRW-LAMB:1618678262000003",
        "upbit:KRW-LAMB:1618678262000004",
    ]
    assert [trade.price for trade in trades] == [Decimal(6747000), Decimal(127), Decimal(126)]
    assert [trade.size for trade in trades] == [
        Decimal("0.06499468"),
        Decimal("46.48838371"),
        Decimal("47.97601199"),
    ]
    assert [trade.side for trade in trades] == ["SELL", "BUY", "SELL"]
    (row,) = rest(cases / "upbit.jsonl")
    past = upbit.past_trade(row[0])
    assert isinstance(past, Trade)
    assert (past.price, past.seq) == (Decimal("0.02914289"), 15428949259430000)


def test_every_binance_message_is_understood(cases: Path) -> None:
    config = StockConfig(provider="binance", symbols=["BNBBTC"])
    found = meanings(Binance(config), cases / "binance.jsonl")
    assert found[0] == [Ready()]
    (trade,) = found[1]
    assert (trade.event_id, trade.price, trade.size, trade.side) == (
        "binance:BNBBTC:12345",
        Decimal("0.001"),
        Decimal(100),
        "SELL",
    )
    assert found[2:] == [[], [], [], Retry, Retry, ConfigError]
    past = binance.past_trade("BNBBTC", rest(cases / "binance.jsonl")[0][0])
    assert isinstance(past, Trade)
    assert (past.price, past.side) == (Decimal("4.000001"), "SELL")


def test_every_kis_message_is_understood(cases: Path) -> None:
    config = StockConfig(provider="kis", symbols=["005930"], app_key="k" * 8, app_secret="s" * 8)
    found = meanings(Kis(config), cases / "kis.jsonl")
    assert found[0] == [Ready("005930")]
    assert found[1] == [Reply(recorded(cases / "kis.jsonl")[1]["raw"])]
    assert found[2] is Retry
    assert found[4:] == [[], []]
    trades = found[3]
    assert [(trade.price, trade.size, trade.side) for trade in trades] == [
        (Decimal(71950), Decimal(1), "SELL"),
        (Decimal(71900), Decimal(2), "SELL"),
        (Decimal(72000), Decimal(75), "BUY"),
    ]
    assert instant(trades[0].event_us) == datetime(2025, 7, 30, 0, 47, 51, tzinfo=UTC)
    for before, after in pairwise(trades):
        assert before.cumulative_volume + after.size == after.cumulative_volume


async def test_the_recorded_kis_frame_gives_exactly_three_records(cases: Path) -> None:
    def only(line: dict[str, Any]) -> bool:
        return "OPSP8996" not in line["raw"]

    async with Replay(cases / "kis.jsonl", only) as replay:
        reader = Reader(provider="kis", symbols=["005930"], **replay.config())
        await reader.read(lambda context: len(context.records) == 3)
        assert replay.sent.is_set() or await replay.sent.wait()
    assert [each.split(":")[4] for each in reader.trades] == ["8305216", "8305218", "8305293"]
    assert reader.gaps == []
    assert reader.context.rejects == []


async def test_the_recorded_upbit_frames_are_records(cases: Path) -> None:
    def only(line: dict[str, Any]) -> bool:
        return bool(line["recorded"])

    async with Replay(cases / "upbit.jsonl", only) as replay:
        reader = Reader(provider="upbit", symbols=["KRW-LAMB"], **replay.config())
        await reader.read(lambda context: len(context.records) == 2)
    assert reader.trades == ["upbit:KRW-LAMB:1618678262000003", "upbit:KRW-LAMB:1618678262000004"]
