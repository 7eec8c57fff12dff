"""KIS's frames and control replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad, Event, Ready, Reply
from pyconnect_stock_websocket.kis import Kis
from pyconnect_stock_websocket.trade import Trade, instant


def record(
    cumulative: int, size: int = 1, *, change: Mapping[int, str] = MappingProxyType({})
) -> list[str]:
    fields = ["0"] * 46
    fields[0], fields[1], fields[2] = "000001", "090001", "71950"
    fields[12], fields[13], fields[21] = str(size), str(cumulative), "1"
    fields[33], fields[34] = "20250730", "20"
    for at, value in change.items():
        fields[at] = value
    return fields


def frame(*records: list[str], count: str | None = None) -> str:
    number = count or f"{len(records):03d}"
    return f"0|H0STCNT0|{number}|" + "^".join("^".join(fields) for fields in records)


@pytest.fixture
def kis() -> Kis:
    return Kis(StockConfig(provider="kis", symbols=["000001"], app_key="k" * 8, app_secret="s" * 8))


def trades(events: list[Event]) -> list[Trade]:
    assert all(isinstance(event, Trade) for event in events), events
    return [event for event in events if isinstance(event, Trade)]


def test_every_record_of_a_frame_is_a_trade(kis: Kis) -> None:
    found = trades(kis.read(frame(record(10, 2), record(11), record(86, 75))))
    assert [each.cumulative_volume for each in found] == [Decimal(n) for n in (10, 11, 86)]
    assert [each.size for each in found] == [Decimal(n) for n in (2, 1, 75)]
    assert [each.event_id for each in found] == [
        "kis:000001:20250730:090001:10:0",
        "kis:000001:20250730:090001:11:1",
        "kis:000001:20250730:090001:86:2",
    ]
    assert found[0].price == Decimal(71950)
    assert found[0].venue == "KRX"


def test_korean_time_becomes_utc(kis: Kis) -> None:
    morning, night = trades(kis.read(frame(record(1), record(2, change={1: "235959"}))))
    assert instant(morning.event_us) == datetime(2025, 7, 30, 0, 0, 1, tzinfo=UTC)
    assert instant(night.event_us) == datetime(2025, 7, 30, 14, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("code", "side"), [("1", "BUY"), ("5", "SELL"), ("3", "UNKNOWN")])
def test_sides(kis: Kis, code: str, side: str) -> None:
    (trade,) = trades(kis.read(frame(record(1, change={21: code}))))
    assert trade.side == side


@pytest.mark.parametrize("extra", [1, 3, 45])
def test_fields_appended_by_the_broker_are_passed_over(kis: Kis, extra: int) -> None:
    wide = [record(at) + ["new"] * extra for at in (1, 2, 3)]
    assert kis.read(frame(*wide)) == kis.read(frame(record(1), record(2), record(3)))


@pytest.mark.parametrize("count", ["001", "002", "004", "000", "abc", "-3", "", "99999"])
def test_a_wrong_count_is_refused_whole(kis: Kis, count: str) -> None:
    text = frame(record(1), record(2), record(3), count=count or " ")
    (bad,) = kis.read(text)
    assert isinstance(bad, Bad)
    assert bad.raw == text.encode()


def test_a_short_record_is_refused(kis: Kis) -> None:
    (bad,) = kis.read(frame(record(1)[:-1]))
    assert isinstance(bad, Bad)


def test_one_bad_record_leaves_its_neighbours(kis: Kis) -> None:
    first, second, third = kis.read(frame(record(1), record(2, change={2: "71,950"}), record(3)))
    assert isinstance(first, Trade)
    assert isinstance(third, Trade)
    assert isinstance(second, Bad)
    assert second.symbol == "000001"
    assert second.raw == "^".join(record(2, change={2: "71,950"})).encode()


@pytest.mark.parametrize("change", [{33: "20250231"}, {1: "240000"}, {1: "9"}])
def test_a_time_that_is_none_is_refused(kis: Kis, change: dict[int, str]) -> None:
    (bad,) = kis.read(frame(record(1, change=change)))
    assert isinstance(bad, Bad)


def test_encrypted_trades_are_refused_and_other_frames_passed_over(kis: Kis) -> None:
    (bad,) = kis.read("1|H0STCNT0|001|AAAA")
    assert isinstance(bad, Bad)
    assert "encrypt" in bad.reason
    assert kis.read("0|H0STASP0|001|000001^1^2") == []
    (cut,) = kis.read("0|H0STCNT0")
    assert isinstance(cut, Bad)


def reply(outcome: str, code: str, symbol: str = "000001", message: str = "text") -> str:
    body = {"rt_cd": outcome, "msg_cd": code, "msg1": message}
    return json.dumps({"header": {"tr_id": "H0STCNT0", "tr_key": symbol}, "body": body})


def test_pingpong_is_echoed_byte_for_byte(kis: Kis) -> None:
    text = '{ "header" : {"tr_id":"PINGPONG", "datetime":"20260914093000"} }'
    assert kis.read(text) == [Reply(text)]


def test_control_replies(kis: Kis) -> None:
    assert kis.read(reply("0", "OPSP0000")) == [Ready("000001")]
    assert kis.read(reply("1", "OPSP0002")) == [Ready("000001")]
    assert kis.read("{}") == []
    with pytest.raises(ConfigError, match="MAX SUBSCRIBE"):
        kis.read(reply("1", "OPSP0008", message="MAX SUBSCRIBE OVER"))
    with pytest.raises(Retry, match="invalid approval"):
        kis.read(reply("1", "OPSP0011", message="invalid approval : NOT FOUND"))


def test_a_key_in_use_is_not_fought_for(kis: Kis) -> None:
    with pytest.raises(Retry) as caught:
        kis.read(reply("9", "OPSP8996", message="ALREADY IN USE appkey"))
    assert caught.value.after is not None
    assert caught.value.after >= 60
    assert caught.value.code == "retry.exclusive"


def test_forty_one_symbols_are_the_most() -> None:
    keys: dict[str, Any] = {"provider": "kis", "app_key": "k", "app_secret": "s"}
    StockConfig(symbols=[f"{n:06d}" for n in range(41)], **keys)
    with pytest.raises(ValueError, match="at most 41"):
        StockConfig(symbols=[f"{n:06d}" for n in range(42)], **keys)
