"""Upbit's messages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad
from pyconnect_stock_websocket.trade import Trade
from pyconnect_stock_websocket.upbit import Upbit, past_trade

SIMPLE = (
    b'{"ty":"trade","cd":"KRW-XYZ","tms":1700000000712,"ttms":1700000000500,"tp":1.270,'
    b'"tv":46.48838371,"ab":"BID","sid":1700000000500003,"st":"REALTIME"}'
)
DEFAULT = {
    "type": "trade",
    "code": "KRW-XYZ",
    "timestamp": 1700000000812,
    "trade_timestamp": 1700000000600,
    "trade_price": 6747000,
    "trade_volume": "0.06499468",
    "ask_bid": "ASK",
    "sequential_id": 1700000000600002,
    "stream_type": "SNAPSHOT",
}


@pytest.fixture
def upbit() -> Upbit:
    return Upbit(StockConfig(provider="upbit", symbols=["KRW-XYZ"]))


def one(upbit: Upbit, frame: str | bytes) -> Any:
    (event,) = upbit.read(frame)
    return event


def test_binary_simple_frames_are_trades(upbit: Upbit) -> None:
    trade = one(upbit, SIMPLE)
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.side) == (
        Decimal("1.27"),
        Decimal("46.48838371"),
        "BUY",
    )
    assert trade.event_us == 1700000000500000
    assert trade.event_id == "upbit:KRW-XYZ:1700000000500003"
    assert trade.key == "UPBIT:KRW-XYZ"


def test_default_names_are_trades_and_ask_is_a_sale(upbit: Upbit) -> None:
    trade = one(upbit, json.dumps(DEFAULT))
    assert (trade.price, trade.side, trade.seq) == (
        Decimal(6747000),
        "SELL",
        1700000000600002,
    )


def test_an_unknown_side_is_unknown(upbit: Upbit) -> None:
    assert one(upbit, json.dumps(DEFAULT | {"ask_bid": "CROSS"})).side == "UNKNOWN"
    assert one(upbit, json.dumps(DEFAULT | {"ask_bid": [1]})).side == "UNKNOWN"


def test_history_gives_the_same_trade_as_the_stream(upbit: Upbit) -> None:
    row = {
        "market": "KRW-XYZ",
        "timestamp": 1700000000600,
        "trade_price": Decimal("6747000.00000000"),
        "trade_volume": Decimal("0.06499468"),
        "ask_bid": "ASK",
        "sequential_id": 1700000000600002,
    }
    assert past_trade(row) == one(upbit, json.dumps(DEFAULT))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trade_price": "71,950"}, "trade_price"),
        ({"trade_price": float("nan")}, "trade_price"),
        ({"trade_volume": -1}, "trade_volume"),
        ({"trade_volume": None}, "trade_volume"),
        ({"trade_timestamp": None}, "trade_timestamp"),
    ],
)
def test_a_bad_field_is_named_and_the_id_is_used_up(
    upbit: Upbit, change: dict[str, Any], reason: str
) -> None:
    text = json.dumps(DEFAULT | change)
    bad = one(upbit, text)
    assert isinstance(bad, Bad)
    assert reason in bad.reason
    assert bad.raw == text.encode()
    assert (bad.symbol, bad.seq) == ("KRW-XYZ", 1700000000600002)


@pytest.mark.parametrize("frame", ["nonsense", b"\xff\xfe", "[]", "17", '"\ud800"'])
def test_garbage_is_bad_with_its_bytes(upbit: Upbit, frame: str | bytes) -> None:
    bad = one(upbit, frame)
    assert isinstance(bad, Bad)
    assert bad.raw == (
        frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass")
    )


def test_other_messages_are_passed_over(upbit: Upbit) -> None:
    assert upbit.read('{"status":"UP"}') == []
    assert upbit.read(b'{"ty":"orderbook","cd":"KRW-XYZ"}') == []


def test_a_refused_subscription_is_an_error_of_the_configuration(upbit: Upbit) -> None:
    with pytest.raises(ConfigError, match="INVALID_PARAM"):
        upbit.read('{"error":{"name":"INVALID_PARAM","message":"codes"}}')
    with pytest.raises(Retry):
        upbit.read('{"error":{"name":"SOMETHING_NEW","message":"later"}}')
    with pytest.raises(Retry):
        upbit.read('{"error":"odd"}')


def test_one_message_subscribes_to_all(upbit: Upbit) -> None:
    (message,) = upbit.subscriptions(["KRW-XYZ", "KRW-BTC"])
    ticket, wanted, form = json.loads(message)
    assert ticket["ticket"]
    assert wanted == {"type": "trade", "codes": ["KRW-XYZ", "KRW-BTC"]}
    assert form == {"format": "DEFAULT"}
