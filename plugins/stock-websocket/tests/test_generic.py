"""Described feeds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors_core import ConfigError
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.generic import Generic
from pyconnect_stock_websocket.trade import Trade

BATCHES = {
    "label": "batches",
    "url": "ws://feed.example/?token=very-secret-token",
    "subscribe": [{"type": "subscribe", "symbol": "{symbol}"}],
    "where": {"type": "trade"},
    "items": "data",
    "symbol": "s",
    "price": "p",
    "size": "v",
    "time": "t",
}
MATCHES = {
    "label": "matches",
    "url": "ws://feed.example/",
    "subscribe": [{"type": "subscribe", "ids": "{symbols}", "channels": ["matches"]}],
    "where": {"type": "match"},
    "symbol": "product",
    "id": "trade_id",
    "time": "time",
    "time_unit": "iso",
    "side": "maker",
    "buy": ["sell"],
    "sell": ["buy"],
}


def feed(**described: Any) -> Generic:
    return Generic(StockConfig(provider="generic", symbols=["AAA", "BBB"], generic=described))


def test_equal_trades_of_one_message_are_all_kept() -> None:
    row = {"p": 63229.7, "s": "AAA", "t": 1719893836887, "v": 0.0001}
    events = feed(**BATCHES).read(json.dumps({"data": [row, row, row], "type": "trade"}))
    trades = [event for event in events if isinstance(event, Trade)]
    assert len(trades) == 3
    assert len({trade.event_id for trade in trades}) == 3
    assert trades[0].price == Decimal("63229.7")
    assert trades[0].event_us == 1719893836887000


def test_the_side_of_the_maker_can_be_turned_round_and_time_keeps_its_nanoseconds() -> None:
    message = {
        "type": "match",
        "trade_id": 10,
        "maker": "sell",
        "size": "5.23512",
        "price": "400.23",
        "product": "AAA",
        "time": "2014-11-07T08:19:28.464459123Z",
    }
    (trade,) = feed(**MATCHES).read(json.dumps(message))
    assert isinstance(trade, Trade)
    assert (trade.side, trade.trade_id, trade.seq) == ("BUY", "10", 10)
    assert trade.event_ns == 1415348368464459123
    assert trade.event_us == 1415348368464459
    assert trade.event_id == "matches:AAA:10"


@pytest.mark.parametrize(
    "time", ["2014-11-07T08:19:28", "yesterday", "2014-11-07T08:19:28.1234567891Z", 5, None]
)
def test_a_time_without_zone_or_finer_than_ns_is_refused(time: object) -> None:
    row = {"type": "match", "trade_id": 1, "size": 1, "price": 1, "product": "AAA", "time": time}
    (bad,) = feed(**MATCHES).read(json.dumps(row))
    assert isinstance(bad, Bad)
    assert "time" in bad.reason


@pytest.mark.parametrize(
    ("unit", "value", "micros"),
    [("s", "1700000000.25", 1700000000250000), ("us", 1700000000000001, 1700000000000001)],
)
def test_units_of_time(unit: str, value: object, micros: int) -> None:
    described = {**BATCHES, "time_unit": unit}
    row = {"p": 1, "s": "AAA", "t": value, "v": 1}
    (trade,) = feed(**described).read(json.dumps({"type": "trade", "data": row}))
    assert isinstance(trade, Trade)
    assert trade.event_us == micros


def test_other_messages_are_passed_over() -> None:
    assert feed(**BATCHES).read('{"type":"ping"}') == []


def test_templates_are_filled_once_a_symbol_or_for_all() -> None:
    single = feed(**BATCHES).subscriptions(["AAA", "BBB"])
    assert [json.loads(text)["symbol"] for text in single] == ["AAA", "BBB"]
    (together,) = feed(**MATCHES).subscriptions(["AAA", "BBB"])
    assert json.loads(together)["ids"] == ["AAA", "BBB"]


def test_a_feed_without_address_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"generic\.url"):
        feed(**{**MATCHES, "url": None})
