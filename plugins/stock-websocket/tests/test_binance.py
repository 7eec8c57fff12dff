"""Binance's messages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.binance import Binance, past_trade
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad, Ready
from pyconnect_stock_websocket.trade import Trade

TRADE = {
    "e": "trade",
    "E": 1700000000001,
    "s": "XYZUSDT",
    "t": 77,
    "p": "0.00100000",
    "q": "100.0",
    "T": 1700000000000,
    "m": True,
    "M": True,
}


@pytest.fixture
def binance() -> Binance:
    return Binance(StockConfig(provider="binance", symbols=["xyzusdt"]))


def test_raw_and_combined_frames_are_the_same_trade(binance: Binance) -> None:
    raw = binance.read(json.dumps(TRADE))
    combined = binance.read(json.dumps({"stream": "xyzusdt@trade", "data": TRADE}))
    assert raw == combined
    (trade,) = raw
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.seq) == (Decimal("0.001"), Decimal(100), 77)
    assert trade.event_id == "binance:XYZUSDT:77"


@pytest.mark.parametrize(("maker", "side"), [(True, "SELL"), (False, "BUY")])
def test_the_aggressor_is_not_the_maker(binance: Binance, maker: bool, side: str) -> None:
    (trade,) = binance.read(json.dumps(TRADE | {"m": maker}))
    assert isinstance(trade, Trade)
    assert trade.side == side


def test_history_gives_the_same_trade_as_the_stream(binance: Binance) -> None:
    row = {"id": 77, "price": "0.001", "qty": "100", "time": 1700000000000, "isBuyerMaker": True}
    assert [past_trade("XYZUSDT", row)] == binance.read(json.dumps(TRADE))


@pytest.mark.parametrize("change", [{"p": "NaN"}, {"q": "1,0"}, {"m": None}, {"T": "soon"}])
def test_a_bad_field_uses_its_id_up(binance: Binance, change: dict[str, Any]) -> None:
    (bad,) = binance.read(json.dumps(TRADE | change))
    assert isinstance(bad, Bad)
    assert (bad.symbol, bad.seq) == ("XYZUSDT", 77)


def test_control_messages(binance: Binance) -> None:
    assert binance.read('{"result":null,"id":1}') == [Ready()]
    assert binance.read('{"result":["xyzusdt@trade"],"id":2}') == []
    assert binance.read('{"e":"kline","s":"XYZUSDT"}') == []
    for shutdown in ('{"e":"serverShutdown"}', '{"stream":"!s","data":{"e":"serverShutdown"}}'):
        with pytest.raises(Retry, match="shut down"):
            binance.read(shutdown)
    for refusal in ('{"code":2,"msg":"Invalid"}', '{"error":{"code":2,"msg":"Invalid"},"id":1}'):
        with pytest.raises(ConfigError, match="2 Invalid"):
            binance.read(refusal)


def test_streams_are_lower_case(binance: Binance) -> None:
    (message,) = binance.subscriptions(["XYZUSDT"])
    assert json.loads(message) == {"method": "SUBSCRIBE", "params": ["xyzusdt@trade"], "id": 1}
